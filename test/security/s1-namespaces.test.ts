/** S1.1, S1.2, S15.1, S15.2: a credential of one namespace sees, touches and uses up nothing of another. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { tokenFile, tokenLine } from '../../src/adapters/node/token-file.ts';
import { saga } from '../../src/saga/saga.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { type Operation, operations } from '../../src/wire/operations.ts';
import { type Bench, type BenchOptions, open, request, step } from '../behavior/server/bench.ts';

const folder = mkdtempSync(join(tmpdir(), 'makegood-namespaces-'));
const path = join(folder, 'tokens');
writeFileSync(
  path,
  [
    tokenLine('a.secret', '*', undefined, 'acme'),
    tokenLine('b.secret', '*', '2990-01-01T00:00:00Z', 'beta'),
    // A name that begins as another does is another.
    tokenLine('c.secret', '*', undefined, 'acme-2'),
    tokenLine('ops.secret', '*'),
  ].join('\n'),
);
const authenticator = tokenFile(path, { clock: testClock() });
afterAll(() => {
  authenticator.close();
  rmSync(folder, { recursive: true, force: true });
});

const as = (name: string): Record<string, string> => ({ authorization: `Bearer ${name}.secret` });

const waits = saga('waits')
  .input()
  .wait('go')
  .output(() => null);
const stuck = saga('stuck')
  .input()
  .pivot('pay', { run: () => 1 })
  .step('tell', { run: () => Promise.reject(new Error('no')), retry: { maxAttempts: 1 } })
  .output(() => null);

const world = (options: BenchOptions = {}): Promise<Bench> =>
  open({ authenticator, sagas: [waits, stuck], ...options });

/** Sagas of A: one that waits, one that needs a person, one that has ended. */
async function sagasOfA(bench: Bench): Promise<readonly string[]> {
  for (const [id, name] of [
    ['waiting', 'waits'],
    ['stuck', 'stuck'],
    ['ended', 'waits'],
  ])
    expect((await bench.ask('POST', '/v1/sagas', { id: id ?? '', name: name ?? '' }, as('a'))).status).toBe(201);
  await bench.clock.advance(1000);
  await bench.ask('POST', '/v1/sagas/ended/signals/go', null, as('a'));
  await bench.clock.advance(1000);
  return ['acme:waiting', 'acme:stuck', 'acme:ended'];
}

const bodies: Readonly<Record<string, object | null>> = {
  startSaga: { id: 'acme:waiting', name: 'waits', input: 'of another' },
  renewSaga: { deadline: '1h' },
  retryStepWith: { args: 1 },
  signalSaga: null,
  setPolicy: { maxAttempts: 1 },
};

const protectedRows = Object.entries<Operation>(operations).filter(([, { right }]) => right !== undefined);

describe('S1.1 every operation, from another namespace', () => {
  test.each(protectedRows)('%s: nothing of A is seen, and nothing of it changes', async (name, operation) => {
    await using bench = await world();
    const ids = await sagasOfA(bench);
    const before = await Promise.all(
      ids.map((id) => bench.ask('GET', `/v1/sagas/${id}/history`, undefined, as('ops'))),
    );
    for (const other of ['b', 'c'])
      for (const id of [...ids, 'waiting', 'stuck', 'ended', 'acme%3Awaiting']) {
        const place = operation.path
          .replace('{id}', id)
          .replace('{step}', 'tell')
          .replace('{signal}', 'go')
          .replace('{saga}', 'waits');
        const { body: shape } = operation;
        const body = shape === undefined ? undefined : JSON.stringify(bodies[name] ?? {});
        const headers = { ...as(other), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
        const answer = await bench.send(operation.method, place, { headers, ...(body === undefined ? {} : { body }) });
        const isStream = answer.headers.get('content-type') === 'text/event-stream';
        const text = isStream ? '' : await answer.text();
        if (isStream) await answer.body?.cancel();
        if (operation.ofAll === true) expect(answer.status).toBe(403);
        else if (operation.path.includes('{id}'))
          expect([answer.status, text]).toMatchObject([404, expect.any(String)]);
        else if (name === 'startSaga')
          expect(JSON.parse(text)).toMatchObject({ id: expect.stringMatching(/^(?:beta|acme-2):acme:waiting$/) });
        else if (!isStream) expect(text).toBe('{"items":[]}');
        expect(text).not.toContain('"acme:');
      }
    const after = await Promise.all(ids.map((id) => bench.ask('GET', `/v1/sagas/${id}/history`, undefined, as('ops'))));
    expect(after.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
  });

  test('its own sagas are reached by their short and by their whole ids, and an operator sees all', async () => {
    await using bench = await world();
    await sagasOfA(bench);
    await bench.ask('POST', '/v1/sagas', { id: 'waiting', name: 'waits' }, as('b'));
    for (const id of ['waiting', 'acme:waiting'])
      expect((await bench.ask('GET', `/v1/sagas/${id}`, undefined, as('a'))).body).toMatchObject({
        id: 'acme:waiting',
      });
    const listed = async (token: string, query = ''): Promise<string[]> =>
      (await bench.ask('GET', `/v1/sagas${query}`, undefined, as(token))).body.items
        .map(({ id }: { id: string }) => id)
        .toSorted();
    expect(await listed('a')).toEqual(['acme:ended', 'acme:stuck', 'acme:waiting']);
    expect(await listed('a', '?status=needs-human')).toEqual(['acme:stuck']);
    expect(await listed('a', '?step=go')).toEqual(['acme:waiting']);
    expect(await listed('b')).toEqual(['beta:waiting']);
    expect(await listed('ops')).toHaveLength(4);
    const items = async (token: string): Promise<unknown[]> =>
      (await bench.ask('GET', '/v1/attention', undefined, as(token))).body.items;
    expect([(await items('a')).length, (await items('b')).length, (await items('ops')).length]).toEqual([1, 0, 1]);
  });

  test('pages of a list are whole, however many sagas of others stand between', async () => {
    await using bench = await world();
    for (let number = 0; number < 30; number++)
      await bench.ask('POST', '/v1/sagas', { id: `s-${number}`, name: 'waits' }, as(number % 10 === 0 ? 'a' : 'b'));
    const first = await bench.ask('GET', '/v1/sagas?limit=2', undefined, as('a'));
    expect(first.body.items).toHaveLength(2);
    const second = await bench.ask('GET', `/v1/sagas?limit=2&cursor=${first.body.nextCursor}`, undefined, as('a'));
    expect(second.body).toMatchObject({ items: [{ id: 'acme:s-0' }] });
    expect(second.body.nextCursor).toBeUndefined();
  });

  test('an id that is too long with its namespace is refused: 422', async () => {
    await using bench = await world();
    expect((await bench.ask('POST', '/v1/sagas', { id: 'x'.repeat(196), name: 'waits' }, as('a'))).status).toBe(422);
    expect((await bench.ask('POST', '/v1/sagas', { id: 'x'.repeat(195), name: 'waits' }, as('a'))).status).toBe(201);
  });
});

test('S1.2 the stream of all sagas shows those of the credential alone, past and present', async () => {
  await using bench = await world({ journal: memoryJournal() });
  await bench.ask('POST', '/v1/sagas', { id: 'past', name: 'waits' }, as('b'));
  await bench.ask('POST', '/v1/sagas', { id: 'past', name: 'waits' }, as('a'));
  await bench.clock.advance(10);
  const stream = await bench.send('GET', '/v1/events', { headers: { ...as('a'), 'last-event-id': '0' } });
  await bench.ask('POST', '/v1/sagas', { id: 'now', name: 'waits' }, as('b'));
  await bench.ask('POST', '/v1/sagas', { id: 'now', name: 'waits' }, as('a'));
  await bench.clock.advance(10);
  const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  while (!text.includes('acme:now')) text += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  expect(text).toContain('"acme:past"');
  expect(text).not.toContain('beta');
  const own = await bench.send('GET', '/v1/events?saga=beta:past', { headers: as('a') });
  expect(own.status).toBe(404);
});

const start = (bench: Bench, token: string, id: string) =>
  bench.ask('POST', '/v1/sagas', { id, name: 'waits' }, as(token));

describe('quotas', () => {
  test('starts a second: 429 with Retry-After, after which there is room; others and operators are not touched', async () => {
    await using bench = await world({ quotas: { acme: { startsPerSecond: 0.5, burst: 2 } } });
    const statuses = [];
    for (const id of ['1', '2', '3']) statuses.push((await start(bench, 'a', id)).status);
    expect(statuses).toEqual([201, 201, 429]);
    const refused = await start(bench, 'a', '3');
    expect(refused).toMatchObject({ status: 429, body: { code: 'quota-exceeded' } });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBe(2);
    expect((await bench.ask('GET', '/v1/sagas/3', undefined, as('a'))).status).toBe(404);
    expect((await start(bench, 'b', '3')).status).toBe(201);
    expect((await start(bench, 'ops', 'acme:4')).status).toBe(201);
    await bench.clock.advance(seconds * 1000);
    expect((await start(bench, 'a', '3')).status).toBe(201);
  });

  test('unfinished sagas: as many as there is room for, counted anew after a restart; one that is there is answered', async () => {
    const quotas = { '*': { maxUnfinished: 2 } };
    await using bench = await world({ quotas });
    expect([(await start(bench, 'a', '1')).status, (await start(bench, 'a', '2')).status]).toEqual([201, 201]);
    expect(await start(bench, 'a', '3')).toMatchObject({ status: 429 });
    expect((await start(bench, 'a', '1')).status).toBe(200);
    expect((await start(bench, 'b', '3')).status).toBe(201);
    await bench.ask('POST', '/v1/sagas/1/signals/go', null, as('a'));
    await bench.clock.advance(10);
    expect((await start(bench, 'a', '3')).status).toBe(201);
    const together = await Promise.all(['x', 'y', 'z'].map((id) => start(bench, 'c', id)));
    expect(together.filter(({ status }) => status === 201)).toHaveLength(2);
    expect((await bench.ask('POST', '/v1/sagas/1/restart', {}, as('a'))).status).toBe(429);
  });

  test('bytes of bodies: 429 when they are used up, before anything of them is stored', async () => {
    await using bench = await world({ quotas: { acme: { bytesPerSecond: 1000 } } });
    const steps = [step('s')];
    const large = (id: string, size: number) =>
      bench.ask('POST', '/v1/sagas', request(id, steps, { input: 'x'.repeat(size) }), as('a'));
    expect((await large('1', 500)).status).toBe(201);
    const refused = await large('2', 500);
    expect(refused).toMatchObject({ status: 429, body: { code: 'quota-exceeded' } });
    await bench.clock.advance(Number(refused.headers.get('retry-after')) * 1000);
    expect((await large('2', 500)).status).toBe(201);
    await bench.clock.advance(60_000);
    const never = await large('3', 2000);
    expect([never.status, never.headers.get('retry-after')]).toEqual([429, null]);
  });

  test.each([{ a: { startsPerSecond: 0 } }, { a: { maxUnfinished: -1 } }, { '*': { bytesPerSecond: Number.NaN } }])(
    'refuses %o',
    async (quotas) => {
      await expect(world({ quotas })).rejects.toThrow(/^Expected \w+ of quota ".*" to be above 0, got/);
    },
  );
});

test.each([
  'a b sha256:00',
  `a read sha256:${'0'.repeat(64)} namespace=A`,
  `a read sha256:${'0'.repeat(64)} namespace=a:b`,
])('a line with a namespace that is none is refused: %s', (line) => {
  const file = join(folder, 'wrong');
  writeFileSync(file, line);
  expect(() => tokenFile(file)).toThrow(/line 1/);
});
