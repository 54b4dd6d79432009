import net, { type AddressInfo, type Socket } from 'node:net';
import { nodeCaller, type NodeCallerOptions } from '../../../src/adapters/node/index.ts';
import type { RemoteAnswer, RemoteCall } from '../../../src/outbound/index.ts';

/** A server that does with a connection what a test says: no HTTP of its own, so that it can do wrong. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
  /** Everything that was received, of all connections. */
  readonly received: string;
}

/** Starts a server on a free port of 127.0.0.1; `serve` is called for each request whose head has come, with its number. */
export async function rawServer(serve: (socket: Socket, request: number) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const seen = { connections: 0, received: '', requests: 0 };
  const server = net.createServer((socket) => {
    seen.connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      seen.received += chunk.toString('latin1');
      if (chunk.includes('\r\n\r\n')) serve(socket, ++seen.requests);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/reserve`,
    get connections() {
      return seen.connections;
    },
    get received() {
      return seen.received;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer as bytes on the wire. */
export function answer(
  body: string,
  headers: Readonly<Record<string, string | number>> = {},
  status = '200 OK',
): string {
  const all = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`;
}

/** A call with so much time. */
export function callOf(url: string, timeoutMs = 2000, more: Partial<RemoteCall> = {}): RemoteCall {
  return {
    url,
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Makegood-Saga': 'order-1' },
    body: '{"sku":"tea"}',
    sagaId: 'order-1',
    step: 'reserve',
    phase: 'action',
    attempt: 1,
    isPoll: false,
    epoch: 1,
    idempotencyKey: 'order-1/reserve/action',
    remainingMs: timeoutMs,
    signal: AbortSignal.timeout(timeoutMs),
    ...more,
  };
}

/** Makes one call of this machine and tells what became of it. */
export async function callOnce(
  url: string,
  timeoutMs?: number,
  options: NodeCallerOptions = {},
): Promise<RemoteAnswer> {
  await using caller = nodeCaller({ allow: ['loopback'], ...options });
  return await caller.call(callOf(url, timeoutMs));
}
