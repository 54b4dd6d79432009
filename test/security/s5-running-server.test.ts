/** S5: requests made to cost the server more than they cost whoever sends them. The server is a process of its own. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerProcess } from '../e2e/server-process.ts';

const server = new ServerProcess();
const mebibyte = 1024 * 1024;

beforeAll(() => server.start());
afterAll(() => server[Symbol.asyncDispose]());

/** What the process holds of memory now, in bytes; who it is stands beside the lock of its journal. */
function memory(): number {
  const holder = readFileSync(join(server.folder, 'data', 'LOCK.holder'), 'utf8');
  const pid = /^process (?<pid>\d+)/.exec(holder)?.groups?.['pid'] ?? '';
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(?<kib>\d+) kB/.exec(status)?.groups?.['kib']) * 1024;
}

/** Sends bytes as they are; resolves with what came back until the connection closed, or the time was over. */
function raw(bytes: string, timeoutMs = 5000): Promise<string> {
  const { host, hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect(Number(port), hostname, () =>
      socket.write(Buffer.from(bytes.replaceAll('HOST', host), 'latin1')),
    );
    const done = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n')) setTimeout(done, 50);
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.setTimeout(timeoutMs, done);
  });
}

function post(body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body, duplex: 'half' };
  return fetch(`${server.url}/v1/sagas`, init as RequestInit);
}

const saga = (input: string): string => `{"id":"bomb","name":"x","input":${input},"steps":[]}`;
const wide = Array.from({ length: 90_000 }, (_, place) => `"k${place}":0`).join(',');

const bombs: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, Record<string, string>])[] = [
  ['a million arrays in each other', '['.repeat(mebibyte - 1), {}],
  ['half a million arrays, closed again', '['.repeat(500_000) + ']'.repeat(500_000), {}],
  ['objects in each other', '{"a":'.repeat(150_000), {}],
  ['a number of a million digits', saga('9'.repeat(mebibyte - 200)), {}],
  ['a fraction of a million digits', saga(`0.${'1'.repeat(mebibyte - 200)}e999`), {}],
  ['ninety thousand keys', saga(`{${wide}}`), {}],
  ['the same key, over and over', saga(`{${'"a":1,'.repeat(9000)}"a":1}`), {}],
  ['half a million commas', saga(`[${'0,'.repeat(500_000)}0]`), {}],
  ['half a surrogate pair', saga(String.raw`"\ud800"`), {}],
  ['a string that does not end', saga(`"${'x'.repeat(mebibyte - 200)}`), {}],
  ['nothing but escapes', saga(`"${String.raw`\u0041`.repeat(170_000)}`), {}],
  ['more than 1 MiB', 'x'.repeat(mebibyte + 1), {}],
  [
    'what would be 100 MiB when unpacked',
    new Uint8Array(gzipSync(Buffer.alloc(100 * mebibyte))),
    { 'content-encoding': 'gzip' },
  ],
  ['no JSON', '\0'.repeat(1000), {}],
];

test('S5.1 bombs are refused, while memory stays and others are answered', async () => {
  // Once to warm up: what a process takes for its first large bodies it keeps.
  for (const [, body, headers] of bombs) await (await post(body, headers)).text();
  const before = memory();
  const waits: number[] = [];
  const ending = new AbortController();
  const others = (async () => {
    while (!ending.signal.aborted) {
      const started = performance.now();
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
      waits.push(performance.now() - started);
      await wait(20);
    }
  })();
  for (let round = 0; round < 3; round++) {
    const answers = bombs.flatMap(([name, body, headers]) =>
      Array.from({ length: 4 }, async () => {
        const { status } = await post(body, headers);
        return [name, status >= 400 && status < 500];
      }),
    );
    expect((await Promise.all(answers)).filter(([, refused]) => refused !== true)).toEqual([]);
  }
  ending.abort();
  await others;
  await wait(500);
  expect((memory() - before) / mebibyte).toBeLessThan(64);
  // On a quiet machine half of them wait less than 50 ms; here others may have the processor.
  expect(waits.length).toBeGreaterThan(3);
  expect(Math.max(...waits)).toBeLessThan(5000);
  expect((await server.ask('GET', '/v1/sagas')).body.items).toEqual([]);
}, 60_000);

test('a request that is well made is answered, also when it is sent as bytes', async () => {
  expect(await raw('GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
});

test.each<[string, string]>([
  ['100,000 headers', `GET /healthz HTTP/1.1\r\nHost: HOST\r\n${'a: b\r\n'.repeat(100_000)}\r\n`],
  ['a header of 1 MiB', `GET /healthz HTTP/1.1\r\nHost: HOST\r\na: ${'b'.repeat(mebibyte)}\r\n\r\n`],
  ['a path of 1 MiB', `GET /${'a'.repeat(mebibyte)} HTTP/1.1\r\nHost: HOST\r\n\r\n`],
  [
    'a length and chunks',
    'POST /v1/sagas HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'POST /v1/sagas HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}xx'],
  ['a length that is none', 'POST /v1/sagas HTTP/1.1\r\nHost: HOST\r\nContent-Length: +3\r\n\r\n{} '],
  ['chunks of a strange kind', 'POST /v1/sagas HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  [
    'a chunk length that is none',
    'POST /v1/sagas HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n',
  ],
  ['a space before a colon', 'GET /healthz HTTP/1.1\r\nHost: HOST\r\nContent-Length : 3\r\n\r\n'],
  ['a header that is folded', 'GET /healthz HTTP/1.1\r\nHost: HOST\r\n a\r\n\r\n'],
  ['NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: HOST\r\na: b\0c\r\n\r\n'],
  ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: evil\r\n\r\n'],
  ['an absolute target', 'GET http://evil/healthz HTTP/1.1\r\nHost: HOST\r\n\r\n'],
  ['CONNECT', 'CONNECT evil:80 HTTP/1.1\r\nHost: HOST\r\n\r\n'],
  ['TRACE', 'TRACE /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n'],
  ['an unknown method', 'JUMP /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001'],
])('S5.1 %s: refused with 4xx, or the connection is closed', async (_, bytes) => {
  const answer = await raw(bytes);
  expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test('S5.1 500 connections whose heads never end: others are answered meanwhile, and they are closed', async () => {
  const { host, hostname, port } = new URL(server.url);
  let closed = 0;
  const sockets = Array.from({ length: 500 }, () => {
    const socket = net.connect(Number(port), hostname, () =>
      socket.write(`POST /v1/sagas HTTP/1.1\r\nHost: ${host}\r\n`),
    );
    socket.on('error', () => undefined);
    socket.on('close', () => closed++);
    return socket;
  });
  const before = memory();
  const drip = setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) socket.write('a: b\r\n');
  }, 1000);
  for (let asked = 0; asked < 10; asked++) expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  for (let waited = 0; waited < 25 && closed < sockets.length; waited++) await wait(1000);
  clearInterval(drip);
  for (const socket of sockets) socket.destroy();
  expect(closed).toBe(500);
  expect((memory() - before) / mebibyte).toBeLessThan(64);
}, 60_000);
