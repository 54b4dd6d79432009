/** S1: who may ask what. The rows are the operations that there are, so one that is added without a right is found. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type TokenFile, tokenFile, tokenLine } from '../../src/adapters/node/token-file.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { type Operation, operations } from '../../src/wire/operations.ts';
import { type Right, rights } from '../../src/wire/rights.ts';
import { open, request, step } from '../behavior/server/bench.ts';

const folder = mkdtempSync(join(tmpdir(), 'makegood-tokens-'));
const path = join(folder, 'tokens');
const expired = '2020-01-01T00:00:00Z';

function lines(): string {
  const single = rights.map((right) => tokenLine(`only-${right}.secret`, right));
  const allBut = rights.map((right) =>
    tokenLine(`not-${right}.secret`, rights.filter((own) => own !== right).join(',')),
  );
  return [...single, ...allBut, tokenLine('old.secret', '*', expired), tokenLine('ops.secret', '*')].join('\n');
}

writeFileSync(path, lines());
const opened: TokenFile[] = [];
function tokens(file: string = path): TokenFile {
  const found = tokenFile(file, { clock: testClock() });
  opened.push(found);
  return found;
}
afterAll(() => {
  for (const file of opened) file.close();
  rmSync(folder, { recursive: true, force: true });
});

const nobody = { address: '192.0.2.7' };
const rows = Object.entries<Operation>(operations);
const place = (template: string): string => template.replaceAll(/\{\w+\}/g, 'a');

describe('S1.1 every operation', () => {
  test.each(rows)(
    '%s: no credential, an expired, a wrong and a malformed one: 401; the same words for all',
    async (_, operation) => {
      await using bench = await open({ authenticator: tokens() });
      const statuses = [];
      for (const authorization of [
        '',
        'Bearer old.secret',
        'Bearer ops.wrong',
        'Bearer secret',
        'Basic b3BzOnNlY3JldA==',
        'Bearer ops',
      ]) {
        const headers: Record<string, string> = authorization === '' ? {} : { authorization };
        const answer = await bench.send(operation.method, place(operation.path), { headers });
        statuses.push(answer.status);
        if (operation.right !== undefined) {
          expect(answer.headers.get('www-authenticate')).toBe('Bearer');
          expect(((await answer.json()) as { detail: string }).detail).toBe('send a valid bearer token');
        }
      }
      const wanted = operation.right === undefined ? 200 : 401;
      expect(new Set(statuses)).toEqual(new Set([wanted]));
    },
  );

  test.each(rows.filter(([, { right }]) => right !== undefined))(
    '%s: 403 with every right but its own, and not 403 with its own alone',
    async (_, { method, path: template, right }) => {
      await using bench = await open({ authenticator: tokens() });
      const as = async (name: string): Promise<number> =>
        (await bench.send(method, place(template), { headers: { authorization: `Bearer ${name}.secret` } })).status;
      expect(await as(`not-${right as Right}`)).toBe(403);
      expect([401, 403]).not.toContain(await as(`only-${right as Right}`));
    },
  );

  test('a decision is kept with the name of the credential, whatever the body says', async () => {
    await using bench = await open({ authenticator: tokens() });
    const headers = { authorization: 'Bearer ops.secret' };
    await bench.ask('POST', '/v1/sagas', request('s', [step('a')]), headers);
    await bench.clock.settle();
    await bench.ask('POST', '/v1/sagas', request('t', [step('a', { timeout: '1h' })]), headers);
    await bench.ask('POST', '/v1/sagas/t/terminate', {}, headers);
    const { body } = await bench.ask('GET', '/v1/sagas/t/history', undefined, headers);
    const by = body.items.map((record: { by?: string }) => record.by).filter((name?: string) => name !== undefined);
    expect(by.every((name: string) => name === 'ops')).toBe(true);
    const refused = await bench.ask('POST', '/v1/sagas/t/resolve', { by: 'somebody else' }, headers);
    expect(refused.body.code).toBe('invalid');
  });
});

describe('S1.4 and S1.6 secrets', () => {
  test('the file never has a token, and an error never a line', () => {
    expect(lines()).not.toContain('.secret');
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'ops * ops.secret-in-clear\n');
    expect(() => tokens(wrong)).toThrow(expect.not.stringContaining('in-clear') as never);
    expect(() => tokens(wrong)).toThrow('line 1');
  });

  test('ten wrong tokens of a name from an address in a minute: 429 even for the right one; others are not held up', () => {
    const clock = testClock();
    const file = tokenFile(path, { clock });
    opened.push(file);
    const as = (token: string, address = nobody.address) =>
      file.authenticate(new Headers({ authorization: `Bearer ${token}` }), { address });
    for (let attempt = 0; attempt < 10; attempt++) expect(as('ops.wrong')).toEqual({ refused: 'unauthenticated' });
    expect(as('ops.secret')).toMatchObject({ refused: 'too-many-failures' });
    expect(as('ops.secret', '192.0.2.8')).toHaveProperty('principal');
    expect(as('only-read.secret')).toHaveProperty('principal');
  });

  test('ends a minute after the first of them', async () => {
    const clock = testClock();
    const file = tokenFile(path, { clock });
    opened.push(file);
    const as = (token: string) => file.authenticate(new Headers({ authorization: `Bearer ${token}` }), nobody);
    for (let attempt = 0; attempt < 10; attempt++) as('ops.wrong');
    await clock.advance(59_000);
    expect(as('ops.secret')).toMatchObject({ refused: 'too-many-failures', retryAfterMs: 1000 });
    await clock.advance(1000);
    expect(as('ops.secret')).toHaveProperty('principal');
  });

  test('a certificate is known by its fingerprint alone', () => {
    const file = join(folder, 'certificates');
    writeFileSync(file, `robot read cert-sha256:${'ab'.repeat(32)}\n`);
    const known = tokens(file);
    expect(known.authenticate(new Headers(), { ...nobody, certificate: 'ab'.repeat(32) })).toHaveProperty('principal');
    expect(known.authenticate(new Headers(), { ...nobody, certificate: 'ac'.repeat(32) })).toEqual({
      refused: 'unauthenticated',
    });
    expect(known.authenticate(new Headers(), nobody)).toEqual({ refused: 'unauthenticated' });
  });
});
