/** `makegood saga …` as a user runs it, against a server in a process of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type Ended, ScriptedPeers, ServerProcess } from './server-process.ts';

const refusing = ({ path }: { readonly path: string }) =>
  path === '/boat' ? { status: 409, body: { code: 'FULL', message: 'no \u001b[31mroom\u0007' } } : {};

const peers = new ScriptedPeers(refusing);
const server = new ServerProcess(['--config', new URL('server-config.ts', import.meta.url).pathname]);
let file = '';

function run(...args: readonly string[]): Promise<Ended> {
  return command(args, { MAKEGOOD_URL: server.url });
}

beforeAll(async () => {
  const base = await peers.listen();
  await server.start();
  file = join(server.folder, 'trip.json');
  const at = (name: string) => ({
    name,
    action: { url: `${base}/${name}` },
    compensation: { url: `${base}/${name}/undo` },
  });
  writeFileSync(file, JSON.stringify({ name: 'trip', steps: [at('car'), at('boat')] }));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
});

describe('makegood saga', () => {
  test('start --wait: 0 and the saga when it completes', async () => {
    const ended = await run('saga', 'start', 'greet', '--input', '"Ada"', '--id', 'g-1', '--wait');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('✔ completed');
    expect(ended.stdout).toContain('"Hello Ada"');
  });

  test('start --file --wait --json: 1 and one document when it was undone; nothing in it moves a cursor', async () => {
    const ended = await run('saga', 'start', '--file', file, '--id', 't-1', '--wait', '--json');
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'compensated', failure: { step: 'boat' } });
    const shown = await run('saga', 'show', 't-1');
    expect(shown).toMatchObject({ code: 1 });
    expect(shown.stdout).toContain('no \\x1b[31mroom');
    // oxlint-disable-next-line eslint/no-control-regex -- controls are what must not be there
    expect(shown.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test('watch away from a terminal: a line for each record, and its end as the exit status', async () => {
    const ended = await run('saga', 'watch', 't-1');
    expect(ended.code).toBe(1);
    expect(
      ended.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[1]),
    ).toEqual([
      'saga-started',
      'step-started',
      'step-confirmed',
      'step-started',
      'step-failed',
      'saga-compensating',
      'compensation-started',
      'step-compensated',
      'saga-compensated',
    ]);
  });

  test('list and history, as tables and as lines of JSON', async () => {
    expect((await run('saga', 'list', '--name', 'trip')).stdout).toMatch(/^t-1 +trip +↩ compensated/);
    const { stdout } = await run('saga', 'history', 't-1', '--jsonl');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { seq: number }).seq),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test.each<[string, readonly string[], number]>([
    ['not found', ['saga', 'show', 'nobody'], 3],
    ['an ended saga', ['saga', 'cancel', 't-1'], 4],
    ['a saga that nobody registered', ['saga', 'start', 'nothing'], 2],
    ['no name and no file', ['saga', 'start'], 2],
    ['input that is no JSON', ['saga', 'start', 'greet', '--input', '{'], 2],
    ['a server that is not there', ['saga', 'list', '--url', 'http://127.0.0.1:9'], 5],
  ])('%s', async (_, args, code) => {
    const ended = await run(...args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(/^error: .+\n/);
  });

  test('restart runs it anew under the next id; renew says why there is nothing to extend', async () => {
    expect(await run('saga', 'start', 'greet', '--input', '"Eve"', '--id', 'r-1', '--wait')).toMatchObject({ code: 0 });
    const again = await run('saga', 'restart', 'r-1', '--input', '"Grace"');
    expect(again).toMatchObject({ code: 0, stdout: 'r-1@2\n', stderr: '' });
    expect((await run('saga', 'show', 'r-1@2')).stdout).toContain('"Hello Grace"');
    expect(await run('saga', 'renew', 'r-1', '1h')).toMatchObject({ code: 4, stdout: '' });
    expect(await run('saga', 'renew', 'r-1', 'soon')).toMatchObject({ code: 2, stdout: '' });
  });

  test('terminate leaves an item in the queue, and resolve closes it', async () => {
    const slow = join(server.folder, 'slow.json');
    const request = JSON.parse(readFileSync(file, 'utf8')) as {
      steps: { name: string; after?: string[]; retry?: object }[];
    };
    const [car] = request.steps;
    writeFileSync(
      slow,
      JSON.stringify({
        name: 'slow',
        steps: [
          { ...car, action: { url: 'http://127.0.0.1:9/' }, retry: { backoff: { kind: 'fixed', initialDelay: '1h' } } },
        ],
      }),
    );
    expect((await run('saga', 'start', '--file', slow, '--id', 's-1')).stdout).toBe('s-1\n');
    expect((await run('saga', 'terminate', 's-1', '--reason', 'enough')).code).toBe(0);
    expect((await run('attention')).stdout).toMatch(/^s-1 +slow +- +! terminated/);
    expect((await run('saga', 'resolve', 's-1', '--note', 'seen')).code).toBe(0);
    expect((await run('attention')).stdout).toBe('nothing waits for a person\n');
  });
});

test('every command is on the page of commands, and completed in every shell', async () => {
  const page = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8');
  const { stdout } = await run('completion', 'fish');
  const paths = [...stdout.matchAll(/^complete -c makegood -n '(.*)' -a '(.*)'$/gm)].map(
    ([, seen = '', words = '']) => ({
      path: [...seen.matchAll(/__fish_seen_subcommand_from ([\w-]+)/g)].map(([, word]) => word).join(' '),
      words: words.split(' '),
    }),
  );
  for (const { path, words } of paths) {
    const leaf = words.every((word) => word.startsWith('--'));
    if (leaf && path !== '') expect(page).toContain(`makegood ${path}`);
  }
  expect(paths.length).toBeGreaterThan(15);
  for (const shell of ['bash', 'zsh']) expect((await run('completion', shell)).stdout).toContain('saga watch');
});
