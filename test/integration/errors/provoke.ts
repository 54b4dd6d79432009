import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { isAbort, isTimeout, isTransient } from 'makegood/predicate';
import { onTestFinished } from 'vitest';

/** Which of the three predicates hold for what an operation rejects with: `'transient'`, `'timeout'`, `'abort'`, `'no'`. */
export async function kindOf(operation: PromiseLike<unknown>): Promise<string> {
  return kindOfError(await failureOf(operation));
}

/** A time-out is transient too, so it is named alone only where it is both. */
export function kindOfError(error: unknown): string {
  if (isAbort(error)) return isTransient(error) || isTimeout(error) ? 'contradiction' : 'abort';
  if (isTimeout(error)) return isTransient(error) ? 'timeout' : 'contradiction';
  return isTransient(error) ? 'transient' : 'no';
}

/** What the operation rejects with. */
export async function failureOf(operation: PromiseLike<unknown>): Promise<unknown> {
  const fulfilled = Symbol('fulfilled');
  const result = await Promise.resolve(operation).then(
    () => fulfilled,
    (error: unknown) => error,
  );
  if (result === fulfilled) throw new Error('Expected the operation to fail');
  return result;
}

/** A server of the loopback that ends with the test; resolves with its port. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A port that refuses connections. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server that does with each connection what it is told, and closes those that are left. */
export async function tcpServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const port = await listening(
    createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      onSocket(socket);
    }),
  );
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  return port;
}

/** A server that takes connections and never says a word. */
export function silentPort(): Promise<number> {
  return tcpServer(() => {});
}

/** A server that answers in a protocol nobody asked for, and hangs up. */
export function garbagePort(): Promise<number> {
  return tcpServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\ngarbage')));
}
