/** S9 at the server and at the command line: what a participant says, in logs, lists and metrics. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command, ScriptedPeers, ServerProcess } from '../e2e/server-process.ts';

const evil = '\u001B[2J\u009B31mgone\u202E\u061C\uFEFF\r\n{"level":"error","event":"forged"}\nforged{a="b"} 1';
const raw = /(?!\n)[\p{Cc}\p{Bidi_Control}\uFEFF]/u;

const server = new ServerProcess();
const peers = new ScriptedPeers(({ path }) =>
  path === '/ok'
    ? { body: { [evil]: evil } }
    : { status: path.endsWith('undo') ? 409 : 500, body: { code: evil, message: evil } },
);

async function needsHuman(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if ((await server.ask('GET', '/v1/sagas/s')).body.status === 'needs-human') return;
    await wait(100);
  }
  throw new Error(server.log);
}

beforeAll(async () => {
  const base = await peers.listen();
  await server.start();
  const step = (name: string, path: string) => ({
    name,
    action: { url: `${base}${path}` },
    compensation: { url: `${base}${path}/undo` },
    retry: { maxAttempts: 1 },
    barrier: true,
  });
  const body = {
    id: 's',
    name: 'x',
    input: { [evil]: evil },
    headers: { 'x-note': 'a' },
    steps: [step('a', '/ok'), step('b', '/fails')],
  };
  expect((await server.ask('POST', '/v1/sagas', body)).status).toBe(201);
  await needsHuman();
  expect((await server.ask('POST', '/v1/sagas/s/steps/b/retry', { note: evil })).status).toBe(202);
  await needsHuman();
  // Refused, and told of: by a name that is none, and under a host that is not ours.
  await server.ask('GET', `/v1/sagas/${encodeURIComponent(evil)}`);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
});

test('S9.2 the log of the server is JSON, a line an entry, and moves no terminal', () => {
  expect(server.log).not.toMatch(raw);
  const entries = server.log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly event: string });
  expect(entries.length).toBeGreaterThan(2);
  expect(entries.filter(({ event }) => event === 'forged')).toEqual([]);
});

test.each([
  ['saga', 'show', 's'],
  ['saga', 'show', 's', '--json'],
  ['saga', 'history', 's'],
  ['saga', 'history', 's', '--json'],
  ['saga', 'history', 's', '--jsonl'],
  ['saga', 'watch', 's'],
  ['saga', 'watch', 's', '--jsonl'],
  ['saga', 'list'],
  ['saga', 'list', '--json'],
  ['attention'],
  ['attention', '--json'],
  ['saga', 'show', evil],
])('S9.2 the command line moves no terminal (case %#)', async (...args) => {
  const { stdout, stderr } = await command([...args, '--url', server.url]);
  expect(`${stdout}${stderr}`.length).toBeGreaterThan(10);
  expect(stdout).not.toMatch(raw);
  expect(stderr).not.toMatch(raw);
  if (args.includes('--json')) JSON.parse(stdout);
});

test('S9.3 the metrics of the server have no line of others', async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  expect(text).toContain('makegood_');
  expect(text).not.toContain('forged');
});
