// What becomes of connections: real sockets of the loopback, Node's fetch and undici's own.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { constant } from 'makegood/backoff';
import { type Fetch, retryingFetch } from 'makegood/http';
import { fetch as undiciFetch } from 'undici';

const fetches: readonly (readonly [string, Fetch])[] = [
  ["Node's fetch", fetch],
  ["undici's fetch", undiciFetch as unknown as Fetch],
];

// undici opens a connection ahead for the request that waits when one is closed, and keeps it for later: a few stay open
// however many were closed, but none is at work.
const keptByUndici = 4;

/** A server that counts the connections made to it, those that are open, and exchanges that have not ended. */
async function countingServer(onRequest: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const sockets = new Set<Socket>();
  const counts = { connections: 0, mostOpen: 0, requests: 0, unended: 0 };
  const server = createServer((request, response) => {
    counts.requests++;
    counts.unended++;
    response.on('close', () => counts.unended--);
    onRequest(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    counts.connections++;
    counts.mostOpen = Math.max(counts.mostOpen, sockets.size);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, counts, sockets };
}

const patiently = { timeout: 10_000 };
const patient = { backoff: constant(0), budget: false, maxAttempts: 1001 } as const;

test.each(fetches)('%s: 1,000 retries of short answers use one connection again and again', async (_name, send) => {
  const { url, counts } = await countingServer((_request, response) => {
    response.writeHead(503).end('the server is busy\n'.repeat(20));
  });
  const answer = await retryingFetch({ ...patient, fetch: send })(url);
  expect([answer.status, counts.requests]).toEqual([503, 1001]);
  await answer.text();
  // A request that is sent before the end of the answer before has come takes another connection, which is kept too.
  expect(counts.connections).toBeLessThanOrEqual(3);
});

test.each(fetches)('%s: 1,000 retries of answers without an end leave no connection at work', async (_name, send) => {
  const { url, counts, sockets } = await countingServer((_request, response) => {
    response.writeHead(503);
    response.write('x'.repeat(1000));
  });
  const answer = await retryingFetch({ ...patient, fetch: send })(url);
  expect([answer.status, counts.requests]).toEqual([503, 1001]);
  // One attempt, and the answer before it that is still being given time to end.
  expect(counts.mostOpen).toBeLessThanOrEqual(8);
  await answer.body?.cancel();
  await expect.poll(() => counts.unended, patiently).toBe(0);
  expect(sockets.size).toBeLessThanOrEqual(keptByUndici);
});

test.each(fetches)('%s: answers longer than is worth reading are closed', async (_name, send) => {
  const { url, counts, sockets } = await countingServer((_request, response) => {
    response.writeHead(503).end(Buffer.alloc(1_000_000));
  });
  const answer = await retryingFetch({ ...patient, maxAttempts: 20, fetch: send })(url);
  expect([answer.status, counts.requests]).toEqual([503, 20]);
  await answer.body?.cancel();
  await expect.poll(() => counts.unended, patiently).toBe(0);
  expect(sockets.size).toBeLessThanOrEqual(keptByUndici);
});

test.each(fetches)('%s: attempts that time out close their connection', async (_name, send) => {
  const { url, counts, sockets } = await countingServer(() => {});
  const call = retryingFetch({ ...patient, maxAttempts: 5, attemptTimeout: 200, fetch: send })(url);
  await expect(call).rejects.toMatchObject({ code: 'MAKEGOOD_DEADLINE_EXCEEDED' });
  // On a busy machine an attempt may be over before it is sent.
  expect(counts.requests).toBeGreaterThan(0);
  expect(counts.requests).toBeLessThanOrEqual(5);
  await expect.poll(() => counts.unended, patiently).toBe(0);
  expect(sockets.size).toBeLessThanOrEqual(keptByUndici);
});

test.each(fetches)('%s: every kind of body arrives whole on every attempt', async (_name, send) => {
  const arrived: string[] = [];
  const { url } = await countingServer(async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    arrived.push(`${String(request.headers['makegood-attempt'])}: ${Buffer.concat(chunks).toString()}`);
    response.writeHead(request.headers['makegood-attempt'] === '2' ? 200 : 503).end();
  });
  const put = retryingFetch({ ...patient, fetch: send });
  const bytes = new TextEncoder().encode('order');
  const bodies = ['order', bytes, new Blob([bytes]), new URLSearchParams('order'), new Blob([bytes]).stream()];
  for (const body of bodies) expect((await put(url, { method: 'PUT', body })).status).toBe(200);
  expect(arrived.map((text) => text.replace('=', ''))).toEqual(bodies.flatMap(() => ['1: order', '2: order']));
});

test("a Request of Node's fetch is sent again with its body and headers", async () => {
  const arrived: string[] = [];
  const { url } = await countingServer(async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    arrived.push(`${request.method} ${request.headers['content-type']} ${Buffer.concat(chunks).toString()}`);
    response.writeHead(arrived.length === 3 ? 200 : 503).end();
  });
  const request = new Request(url, { method: 'PUT', body: 'order' });
  expect((await retryingFetch(patient)(request)).status).toBe(200);
  expect(arrived).toEqual(Array.from({ length: 3 }, () => 'PUT text/plain;charset=UTF-8 order'));
  expect(request.bodyUsed).toBe(true);
});

test('a redirect is followed by every attempt, and a loop of them is not retried', async () => {
  const { url, counts } = await countingServer((request, response) => {
    if (request.url === '/') response.writeHead(307, { location: '/there' }).end();
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else response.writeHead(counts.requests < 4 ? 503 : 200).end();
  });
  expect((await retryingFetch(patient)(url)).status).toBe(200);
  expect(counts.requests).toBe(4);
  await expect(retryingFetch(patient)(`${url}loop`)).rejects.toThrow('fetch failed');
  expect(counts.requests).toBe(25);
});
