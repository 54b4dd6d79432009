import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { nodeCaller } from '../../../src/adapters/node/index.ts';
import { circuitBreaker, consecutiveFailures, type RetryBudget, retryBudget } from '../../../src/guards/index.ts';
import type { Policy } from '../../../src/policy/index.ts';
import type { RemoteAnswer, RemoteCall } from '../../../src/outbound/index.ts';
import { answer, callOf, callOnce, rawServer } from './caller-world.ts';

const answered = (body: string, more: object = {}) =>
  expect.objectContaining({ kind: 'answered', status: 200, body, ...more }) as RemoteAnswer;

function unknownName(): Promise<never> {
  return Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }));
}

function silentResolver(): Promise<never> {
  return new Promise<never>(() => undefined);
}

function smallBudget(): RetryBudget {
  return retryBudget({ ratio: 0.5, minPerSecond: 0.001, window: '1s' });
}

function twoFailures(): Policy {
  return circuitBreaker({ name: 'stock', trip: consecutiveFailures(2) });
}

describe('an answer', () => {
  test('is data; the connection is kept and used again', async () => {
    await using server = await rawServer((socket, request) =>
      socket.write(answer(`{"call":${request}}`, { 'Retry-After': 3 })),
    );
    await using caller = nodeCaller({ allow: ['loopback'] });
    expect(await caller.call(callOf(server.url))).toEqual(
      answered('{"call":1}', { headers: expect.objectContaining({ 'retry-after': '3' }) as object }),
    );
    expect(await caller.call(callOf(server.url))).toEqual(answered('{"call":2}'));
    expect(server.connections).toBe(1);
    expect(server.received).toContain(
      'POST /reserve HTTP/1.1\r\nContent-Type: application/json\r\nMakegood-Saga: order-1\r\nContent-Length: 13\r\n',
    );
    expect(server.received).toContain(`Host: 127.0.0.1:${server.port}\r\n`);
  });

  test('may take longer than an idle connection is kept', async () => {
    await using server = await rawServer((socket) => void setTimeout(() => socket.write(answer('{}')), 300));
    expect(await callOnce(server.url, 2000, { idle: '50ms' })).toEqual(answered('{}'));
  });

  test('a redirect is an answer, and nobody is called', async () => {
    await using canary = await rawServer((socket) => socket.write(answer('"found"')));
    await using server = await rawServer((socket) => socket.write(answer('', { Location: canary.url }, '302 Found')));
    expect(await callOnce(server.url)).toMatchObject({
      kind: 'answered',
      status: 302,
      headers: { location: canary.url },
    });
    expect(canary.connections).toBe(0);
  });

  test('the body of a 204 is empty, whatever follows it', async () => {
    await using server = await rawServer((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\ngarbage'));
    expect(await callOnce(server.url)).toMatchObject({ kind: 'answered', status: 204, body: '' });
  });

  test('JSON that ends early but is as long as was said is a whole body', async () => {
    await using server = await rawServer((socket) => socket.write(answer('{"id":')));
    expect(await callOnce(server.url)).toEqual(answered('{"id":'));
  });

  test.each([
    ['a length that was not reached', answer('{"id":7}', { 'Content-Length': 100 })],
    ['chunks without an end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"id":7}\r\n'],
    ['a chunk that is shorter than it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"id":7}'],
    ['a chunk length that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"id":7}\r\nzz\r\n'],
  ])('its status stands when the body breaks off: %s', async (_, bytes) => {
    await using server = await rawServer((socket) => socket.end(bytes));
    expect(await callOnce(server.url)).toMatchObject({ kind: 'answered', status: 200, bodyFault: 'cut-off' });
  });

  test('its status stands when the connection is reset in the middle of the body', async () => {
    await using server = await rawServer((socket) => {
      socket.write(answer('{"id":7}', { 'Content-Length': 100 }), () => setTimeout(() => socket.resetAndDestroy(), 20));
    });
    expect(await callOnce(server.url)).toMatchObject({ kind: 'answered', status: 200, bodyFault: 'cut-off' });
  });

  test('a body that comes byte by byte is waited for until the time is over, and no longer', async () => {
    await using server = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 10);
      socket.on('close', () => clearInterval(drip));
    });
    const before = performance.now();
    expect(await callOnce(server.url, 200)).toMatchObject({ kind: 'answered', status: 200, bodyFault: 'cut-off' });
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('10 MiB are not read: at 1 MiB the connection is closed', async () => {
    const part = Buffer.alloc(64 * 1024, 'x');
    let closed = false;
    let taken = 0;
    await using server = await rawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${10 * 1024 * 1024}\r\n\r\n`);
      socket.on('close', () => {
        closed = true;
        taken = socket.bytesWritten;
      });
      const pump = (): void => {
        while (!socket.destroyed && socket.write(part));
      };
      socket.on('drain', pump);
      pump();
    });
    expect(await callOnce(server.url)).toMatchObject({
      kind: 'answered',
      status: 200,
      body: '',
      bodyFault: 'too-long',
    });
    await wait(50);
    expect(closed).toBe(true);
    expect(taken).toBeLessThan(10 * 1024 * 1024);
  });

  test('what is compressed, though that was not asked for, and what is not UTF-8 is no text', async () => {
    for (const bytes of [answer('{}', { 'Content-Encoding': 'gzip' }), Buffer.from(answer('\u00ff'), 'latin1')]) {
      await using server = await rawServer((socket) => void socket.end(bytes));
      expect(await callOnce(server.url)).toMatchObject({ kind: 'answered', status: 200, body: '' });
    }
  });
});

describe('no answer, though bytes were sent', () => {
  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
    ['speaks another protocol', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')],
    ['sends headers that are too long', (socket: Socket) => socket.write(answer('{}', { x: 'y'.repeat(40_000) }))],
    [
      'wants to switch protocols',
      (socket: Socket) => socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
    ['only says that it goes on', (socket: Socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n')],
    ['closes in the middle of its headers', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
  ])('the participant %s: lost', async (_, serve) => {
    await using server = await rawServer(serve);
    expect(await callOnce(server.url)).toMatchObject({ kind: 'lost', reason: 'reset' });
  });

  test.each([
    ['is silent', () => undefined],
    [
      'drips its headers',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const drip = setInterval(() => socket.write('a'), 10);
        socket.on('close', () => clearInterval(drip));
      },
    ],
  ])('the participant %s: timed out, with the reason of the signal', async (_, serve) => {
    await using server = await rawServer(serve);
    const before = performance.now();
    expect(await callOnce(server.url, 150)).toMatchObject({
      kind: 'lost',
      reason: 'timeout',
      error: { name: 'TimeoutError' },
    });
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('a kept connection that is closed as the next request arrives: lost, not "not sent"', async () => {
    await using server = await rawServer((socket, request) => {
      if (request === 1) socket.write(answer('{}'));
      else socket.resetAndDestroy();
    });
    await using caller = nodeCaller({ allow: ['loopback'] });
    await caller.call(callOf(server.url));
    expect(await caller.call(callOf(server.url))).toMatchObject({ kind: 'lost', reason: 'reset' });
    expect(server.connections).toBe(1);
  });

  test('a kept connection that was closed meanwhile is not used', async () => {
    await using server = await rawServer((socket) => void socket.end(answer('{}')));
    await using caller = nodeCaller({ allow: ['loopback'] });
    await caller.call(callOf(server.url));
    await wait(20);
    expect(await caller.call(callOf(server.url))).toEqual(answered('{}'));
    expect(server.connections).toBe(2);
  });
});

describe('not sent', () => {
  test('nobody listens, no such name, a name that is not resolved in time', async () => {
    const server = await rawServer(() => undefined);
    await server[Symbol.asyncDispose]();
    expect(await callOnce(server.url)).toMatchObject({ kind: 'not-sent', error: { code: 'ECONNREFUSED' } });
    const named = { allow: ['inventory', 'loopback'] };
    expect(await callOnce('http://inventory/', 500, { ...named, resolve: unknownName })).toMatchObject({
      kind: 'not-sent',
      error: { code: 'ENOTFOUND' },
    });
    expect(await callOnce('http://inventory/', 100, { ...named, resolve: silentResolver })).toMatchObject({
      kind: 'not-sent',
    });
  });

  test('what Node refuses to put on the wire', async () => {
    await using caller = nodeCaller({ allow: ['loopback'] });
    const call = callOf('http://127.0.0.1:1/', 500, { headers: { 'x\r\n': 'y' } });
    expect(await caller.call(call)).toMatchObject({ kind: 'not-sent', error: { code: 'ERR_INVALID_HTTP_TOKEN' } });
  });

  test('a signal that has aborted before', async () => {
    await using caller = nodeCaller({ allow: ['loopback'] });
    const call = callOf('http://127.0.0.1:1/', 500, { signal: AbortSignal.abort(new Error('over')) });
    expect(['not-sent', 'refused']).toContain((await caller.call(call)).kind);
  });
});

describe('guards', () => {
  test('a full bulkhead and a place that comes too late: not made; other targets are called', async () => {
    await using server = await rawServer(() => undefined);
    await using other = await rawServer((socket) => socket.write(answer('{}')));
    await using caller = nodeCaller({ allow: ['loopback'], maxConcurrent: 1, maxQueue: 1 });
    const running = caller.call(callOf(server.url, 300));
    const queued = caller.call(callOf(server.url, 100));
    expect(await caller.call(callOf(server.url))).toMatchObject({
      kind: 'refused',
      error: { code: 'MAKEGOOD_BULKHEAD_FULL' },
    });
    expect(await caller.call(callOf(other.url))).toEqual(answered('{}'));
    expect(await queued).toMatchObject({ kind: 'refused', error: { code: 'MAKEGOOD_BULKHEAD_FULL' } });
    expect(await running).toMatchObject({ kind: 'lost', reason: 'timeout' });
    expect(server.connections).toBe(1);
  });

  test('what speaks against a target is counted: 5xx, no answer, no connection; a refusal by it is not', async () => {
    const statuses = ['409 Conflict', '429 Slow', '404 Gone', '500 Broken', '503 Away'];
    await using server = await rawServer((socket, request) =>
      socket.write(answer('{}', {}, statuses[request - 1] ?? '200 OK')),
    );
    await using caller = nodeCaller({ allow: ['loopback'], guards: twoFailures });
    const kinds: string[] = [];
    for (let call = 0; call < 6; call++) kinds.push((await caller.call(callOf(server.url))).kind);
    expect(kinds).toEqual(['answered', 'answered', 'answered', 'answered', 'answered', 'refused']);
    expect(await caller.call(callOf(server.url))).toMatchObject({ error: { code: 'MAKEGOOD_CIRCUIT_OPEN' } });
  });

  test('the default breaker opens for a target that is down, and not for a few calls that fail', async () => {
    const server = await rawServer(() => undefined);
    await server[Symbol.asyncDispose]();
    await using caller = nodeCaller({ allow: ['loopback'] });
    const kinds: string[] = [];
    for (let call = 0; call < 101; call++) kinds.push((await caller.call(callOf(server.url))).kind);
    expect(kinds.slice(0, 100)).toEqual(Array(100).fill('not-sent'));
    expect(kinds[100]).toBe('refused');
  });

  test('a retry budget bounds repeated calls; fresh ones, polls and probes are made', async () => {
    await using server = await rawServer((socket) => socket.write(answer('{}')));
    await using caller = nodeCaller({ allow: ['loopback'], budget: smallBudget });
    const kindOf = async (more: Partial<RemoteCall>) => (await caller.call(callOf(server.url, 1000, more))).kind;
    expect([await kindOf({ attempt: 2 }), await kindOf({ attempt: 2 })]).toEqual(['answered', 'refused']);
    expect([await kindOf({ attempt: 3, isPoll: true }), await kindOf({ attempt: 3, phase: 'status' })]).toEqual([
      'answered',
      'answered',
    ]);
    expect([await kindOf({}), await kindOf({}), await kindOf({ attempt: 2 })]).toEqual(Array(3).fill('answered'));
    expect(await caller.call(callOf(server.url, 1000, { attempt: 4, phase: 'compensation' }))).toMatchObject({
      kind: 'refused',
      error: { code: 'MAKEGOOD_RETRY_BUDGET_EMPTY', retryAfterMs: 1000 },
    });
  });

  test('options are checked at once', () => {
    expect(() => nodeCaller({ maxConcurrent: 0 })).toThrow('Expected maxConcurrent to be');
    expect(() => nodeCaller({ allow: ['http://x'] })).toThrow('Expected allowed targets to be');
    expect(() => nodeCaller({ idle: 'soon' as never })).toThrow('Expected idle');
  });
});

test('nothing is left behind: connections, timers, listeners', async () => {
  await using server = await rawServer((socket) => socket.write(answer('{}')));
  const controller = new AbortController();
  const caller = nodeCaller({ allow: ['loopback'] });
  for (let call = 0; call < 20; call++) await caller.call(callOf(server.url, 1000, { signal: controller.signal }));
  await wait(10);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  await caller.close();
  await caller.close();
});
