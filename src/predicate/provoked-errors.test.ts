// The errors here are not made up: each is provoked on loopback from Node's own libraries, as programs meet them.
import { createSocket } from 'node:dgram';
import { lookup, Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, get, type RequestListener } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { isAbort, isTimeout } from './abort.ts';
import { fact } from './error-facts.ts';
import { isTransient } from './transient.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const tcpServer = (onSocket: (socket: Socket) => void): Promise<number> => listening(createServer(onSocket));

async function httpServer(onRequest: RequestListener): Promise<string> {
  const server = createHttpServer(onRequest);
  const port = await listening(server);
  cleanUps.push(() => server.closeAllConnections());
  return `http://127.0.0.1:${port}`;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function twoAddresses(_host: string, _options: unknown, found: (error: null, addresses: object[]) => void): void {
  found(null, [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ]);
}

function cancelledSoon(): AbortSignal {
  const controller = new AbortController();
  setImmediate(() => controller.abort());
  return controller.signal;
}

/** What the operation rejects with. */
async function failureOf(operation: Promise<unknown>): Promise<unknown> {
  const fulfilled = Symbol('fulfilled');
  const result = await operation.then(
    () => fulfilled,
    (error: unknown) => error,
  );
  if (result === fulfilled) throw new Error('Expected the operation to fail');
  return result;
}

function expectTransient(error: unknown, code?: string): void {
  if (code !== undefined) expect(fact(error, 'code')).toBe(code);
  expect([isTransient(error), isTimeout(error), isAbort(error)]).toEqual([true, false, false]);
}

test('a refused connection is transient: ECONNREFUSED of net', async () => {
  expectTransient(await failureOf(once(connect(await closedPort(), '127.0.0.1'), 'connect')), 'ECONNREFUSED');
});

test('a refused connection is transient: the AggregateError of a host with two addresses', async () => {
  const socket = connect({
    host: 'two.invalid',
    port: await closedPort(),
    lookup: twoAddresses as never,
    autoSelectFamily: true,
  });
  const error = await failureOf(once(socket, 'connect'));
  expect(error).toBeInstanceOf(AggregateError);
  expectTransient(error);
});

test('a refused connection is transient: the TypeError of fetch', async () => {
  const error = await failureOf(fetch(`http://127.0.0.1:${await closedPort()}`));
  expect(error).toBeInstanceOf(TypeError);
  expectTransient(error);
});

test('no address to leave from, and no way there, are transient: EADDRNOTAVAIL, ENETUNREACH', async () => {
  // The kernel refuses both by itself: an address for documentation is nobody's, and TCP knows no groups.
  const [nowhere, group] = [{ host: '127.0.0.1', localAddress: '192.0.2.1' }, { host: '224.0.0.1' }];
  expectTransient(await failureOf(once(connect({ port: 9, ...nowhere }), 'connect')), 'EADDRNOTAVAIL');
  expectTransient(await failureOf(once(connect({ port: 9, ...group }), 'connect')), 'ENETUNREACH');
});

test('a reset connection is transient: ECONNRESET of net', async () => {
  const port = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const socket = connect(port, '127.0.0.1');
  socket.write('hello');
  expectTransient(await failureOf(once(socket, 'end')), 'ECONNRESET');
});

test('a connection closed before the answer is transient: "socket hang up" of http', async () => {
  const url = await httpServer((request) => request.socket.destroy());
  const error = await failureOf(once(get(url), 'response'));
  expect(fact(error, 'message')).toBe('socket hang up');
  expectTransient(error, 'ECONNRESET');
});

test('a connection closed before the answer is transient: the TypeError of fetch', async () => {
  const url = await httpServer((request) => request.socket.destroy());
  const error = await failureOf(fetch(url));
  expect(fact(fact(error, 'cause'), 'code')).toBe('UND_ERR_SOCKET');
  expectTransient(error);
});

test('a body that ends in the middle is transient: "terminated" of fetch, "aborted" of http', async () => {
  const url = await httpServer((request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => request.socket.destroy());
  });
  const answer = await fetch(url);
  const error = await failureOf(answer.text());
  expect(fact(error, 'message')).toBe('terminated');
  expectTransient(error);
  const [message] = (await once(get(url), 'response')) as [Readable];
  expectTransient(await failureOf(message.toArray()), 'ECONNRESET');
});

test('a chunked body that ends in the middle is transient', async () => {
  const url = await httpServer((request, response) => {
    response.write('half', () => request.socket.destroy());
  });
  const answer = await fetch(url);
  expectTransient(await failureOf(answer.text()));
});

test('a stream that closes before its end is transient: ERR_STREAM_PREMATURE_CLOSE', async () => {
  const stream = Readable.from(['never read']);
  const end = failureOf(finished(stream));
  stream.destroy();
  expectTransient(await end, 'ERR_STREAM_PREMATURE_CLOSE');
});

test('writing to a peer that has gone is transient: EPIPE', async () => {
  // A Unix socket refuses the first write after the peer closed; TCP would let it through and be reset later.
  const folder = await mkdtemp(join(tmpdir(), 'makegood-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'peer');
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  const socket = connect({ path, allowHalfOpen: true });
  socket.resume();
  await once(socket, 'end');
  socket.write('too late');
  expectTransient(await failureOf(once(socket, 'finish')), 'EPIPE');
});

test('a name that is not found is transient: ENOTFOUND, or EAI_AGAIN where no name server answers', async () => {
  const error = await failureOf(lookup('x.invalid'));
  expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(fact(error, 'code'));
  expectTransient(error);
  expectTransient(await failureOf(fetch('http://x.invalid')));
});

test('a name server that fails is transient, one that is silent is a time-out: ESERVFAIL, ETIMEOUT', async () => {
  let answers = true;
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  server.on('message', (query, peer) => {
    query.writeUInt16BE(0x8182, 2); // a response, of code 2: server failure (RFC 1035 §4.1.1)
    if (answers) server.send(query, peer.port, peer.address);
  });
  const resolver = new Resolver({ timeout: 20, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  expectTransient(await failureOf(resolver.resolve4('makegood.test')), 'ESERVFAIL');
  answers = false;
  const error = await failureOf(resolver.resolve4('makegood.test'));
  expect(fact(error, 'code')).toBe('ETIMEOUT');
  expect([isTransient(error), isTimeout(error)]).toEqual([true, true]);
});

test('an HTTP/2 server that is going away is transient: ERR_HTTP2_GOAWAY_SESSION', async () => {
  const server = createHttp2Server();
  server.on('session', (session) => session.goaway());
  server.on('stream', (stream) => stream.respond());
  const port = await listening(server);
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  cleanUps.push(() => session.destroy());
  const open = session.request();
  open.on('error', () => {});
  await once(session, 'goaway');
  const error = await failureOf(
    new Promise((resolve, reject) => session.request().on('error', reject).on('end', resolve)),
  );
  expectTransient(error, 'ERR_HTTP2_GOAWAY_SESSION');
});

test('AbortSignal.timeout is a time-out, however a library hands it on: fetch, http, timers', async () => {
  const url = await httpServer(() => {});
  const errors = [
    await failureOf(fetch(url, { signal: AbortSignal.timeout(10) })),
    await failureOf(once(get(url, { signal: AbortSignal.timeout(10) }), 'response')),
    await failureOf(wait(60_000, undefined, { signal: AbortSignal.timeout(10) })),
  ];
  expect(errors.map((error) => fact(error, 'name'))).toEqual(['TimeoutError', 'AbortError', 'AbortError']);
  for (const error of errors) {
    expect([isTimeout(error), isTransient(error), isAbort(error)]).toEqual([true, true, false]);
  }
});

test('a cancel is an abort, never transient, however a library hands it on: fetch, http, timers', async () => {
  const url = await httpServer(() => {});
  const errors = [
    await failureOf(fetch(url, { signal: cancelledSoon() })),
    await failureOf(once(get(url, { signal: cancelledSoon() }), 'response')),
    await failureOf(wait(60_000, undefined, { signal: cancelledSoon() })),
  ];
  for (const error of errors) {
    expect([isAbort(error), isTransient(error), isTimeout(error)]).toEqual([true, false, false]);
  }
});

test('Promise.any is transient when every one of its failures is, and not when one is unknown', async () => {
  const port = await closedPort();
  const refused = (): Promise<unknown> => once(connect(port, '127.0.0.1'), 'connect');
  expectTransient(await failureOf(Promise.any([refused(), refused()])));
  const mixed = await failureOf(Promise.any([refused(), Promise.reject(new Error('odd'))]));
  expect(isTransient(mixed)).toBe(false);
});

test('what Node throws for mistakes is not transient: a bad URL, a bad port, a bad certificate name', async () => {
  const errors = [
    await failureOf(fetch('no url')),
    await failureOf(fetch('http://127.0.0.1:1/')),
    await failureOf(fetch('ftp://127.0.0.1/')),
    Object.assign(new Error('altnames'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
  ];
  for (const error of errors) expect(isTransient(error)).toBe(false);
});
