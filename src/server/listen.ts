/** Node's sockets around a handler: the one file of the server that touches the world. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { MakegoodError } from '../errors.ts';
import type { Peer } from '../wire/authenticator.ts';
import { problemOf, problemType } from '../wire/problem.ts';

/** Options of {@link listen}. */
export interface ListenOptions {
  /** The address to bind to. Default `'127.0.0.1'`. */
  readonly host?: string;
  /** Default 7788; 0: any that is free. */
  readonly port?: number;
  /** Certificate and key, in PEM; with `clientCa`, callers must show a certificate that it signed. Default: no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string | undefined };
  /** How many connections at a time; more are refused. Default 10,000. */
  readonly maxConnections?: number;
}

/** Sockets that are open; they end with `close`. */
export interface Listener extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:7788`. */
  readonly url: string;
  readonly port: number;
  /** Takes no more connections; resolves when those in use have been answered, after 5 s at most. Safe to call twice. */
  close(): Promise<void>;
}

/** What listens: a function of a request, such as `server.handle`. */
export type Handle = (request: Request, peer: Peer) => Promise<Response>;

/** The address cannot be bound to: another process has it, or it is none of this machine. */
export class ListenError extends MakegoodError {
  constructor(address: string, options: ErrorOptions) {
    const cause = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      'MAKEGOOD_LISTEN',
      `cannot listen at ${address}: ${cause}; choose another address, or port 0 for any`,
      options,
    );
  }
}

// A head that is not there after 10 s, or a body after 30 s, is not coming: a thousand such connections cost nothing else.
const bounds = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
  insecureHTTPParser: false,
  requireHostHeader: true,
} as const;
const mostHeaders = 100;
// How long those who are being answered may take it when the server closes.
const lastWordMs = 5000;

function peerOf(socket: Socket): Peer {
  const address = socket.remoteAddress ?? '';
  if (!(socket instanceof TLSSocket) || !socket.authorized) return { address };
  const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
  return { address, certificate: fingerprint?.replaceAll(':', '').toLowerCase() };
}

/** What no client of ours sends, and what reads it differently than we do may be led astray by. */
function isAmbiguous({ rawHeaders, url = '' }: http.IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'host') hosts++;
  return hosts !== 1 || !url.startsWith('/') || url.startsWith('//');
}

/** The body of a request as a stream; `null` where its head says that there is none. */
function bodyOf(message: http.IncomingMessage): ReadableStream<Uint8Array> | null {
  const { headers, method } = message;
  const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (isEmpty || method === 'GET' || method === 'HEAD') return null;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      message.on('data', (chunk: Uint8Array) => {
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.once('end', () => controller.close());
      message.once('error', (error) => controller.error(error));
      message.pause();
    },
    pull: () => void message.resume(),
    // Whoever stops reading has seen too much; what is still on its way is not wanted.
    cancel: () => void message.pause(),
  });
}

/** Sends a body, as fast as it is taken; when the reader has gone, whoever writes is told. */
async function sendBody(response: Response, reply: http.ServerResponse): Promise<void> {
  if (response.headers.get('content-type') !== 'text/event-stream') {
    // As text, byte for byte, Node sends it in one write with the head; as bytes, in a second.
    reply.end(Buffer.from(await response.arrayBuffer()).toString('latin1'), 'latin1');
    return;
  }
  reply.flushHeaders();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  reply.once('close', () => void reader.cancel().catch(() => undefined));
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (!reply.write(next.value)) await drained(reply);
  }
  reply.end();
}

function drained(reply: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      reply.off('drain', done);
      reply.off('close', done);
      resolve();
    };
    reply.once('drain', done);
    reply.once('close', done);
  });
}

function requestOf(message: http.IncomingMessage, secure: boolean, signal: AbortSignal): Request {
  const headers = new Headers();
  const { rawHeaders, method = 'GET', url = '/' } = message;
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] as string, rawHeaders[at + 1] as string);
  // The name that was asked for is checked as a header; what stands here only makes the path absolute.
  const address = `${secure ? 'https' : 'http'}://makegood${url}`;
  const body = bodyOf(message);
  return new Request(
    address,
    body === null ? { method, headers, signal } : { method, headers, signal, body, duplex: 'half' },
  );
}

/** Answers one request; what goes wrong with the socket ends it and nothing else. */
async function answer(handle: Handle, message: http.IncomingMessage, reply: http.ServerResponse, secure: boolean) {
  const gone = new AbortController();
  reply.once('close', () => {
    if (!reply.writableFinished) gone.abort();
  });
  if (isAmbiguous(message)) return refuse(reply);
  let request: Request;
  try {
    request = requestOf(message, secure, gone.signal);
  } catch {
    // A method or header that the web platform does not let anybody use, such as TRACE.
    return refuse(reply);
  }
  const response = await handle(request, peerOf(message.socket));
  reply.statusCode = response.status;
  response.headers.forEach((value, name) => reply.setHeader(name, value));
  // What was not read of the body would be taken for the next request.
  if (!message.complete) reply.setHeader('connection', 'close');
  await sendBody(response, reply);
  if (!message.complete) message.destroy();
}

function refuse(reply: http.ServerResponse): void {
  const problem = problemOf('wrong-host', 'the request names no host, several, or one in its target');
  reply.writeHead(problem.status, { 'content-type': problemType, connection: 'close' });
  reply.end(JSON.stringify(problem));
}

function shownHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * Listens on a socket of this machine and hands requests to a handler.
 *
 * @throws {ListenError} when the address cannot be bound to.
 * @example
 * await using listener = await listen(async () => new Response('hello'), { port: 0 });
 * await (await fetch(listener.url)).text() // => 'hello'
 */
export async function listen(handle: Handle, options: ListenOptions = {}): Promise<Listener> {
  const { host = '127.0.0.1', port = 7788, tls, maxConnections = 10_000 } = options;
  const secure = tls !== undefined;
  const onRequest = (message: http.IncomingMessage, reply: http.ServerResponse): void => {
    answer(handle, message, reply, secure).catch(() => reply.destroy());
    // A connection that was in use when the server closed is idle only after its answer, and nobody closes it then.
    reply.once('close', () => setImmediate(() => server.listening || server.closeIdleConnections()));
  };
  const server: http.Server =
    tls === undefined
      ? http.createServer(bounds, onRequest)
      : https.createServer({ ...bounds, ...tlsOf(tls) }, onRequest);
  server.maxConnections = maxConnections;
  server.maxHeadersCount = mostHeaders;
  await bound(server, host, port);
  const { port: found } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise<void>((resolve) => {
      // Whoever has not taken its answer by then is not going to.
      const last = setTimeout(() => server.closeAllConnections(), lastWordMs);
      server.close(() => {
        clearTimeout(last);
        resolve();
      });
      server.closeIdleConnections();
    }));
  const url = `${secure ? 'https' : 'http'}://${shownHost(host)}:${found}`;
  return { url, port: found, close, [Symbol.asyncDispose]: close };
}

function tlsOf({ cert, key, clientCa }: NonNullable<ListenOptions['tls']>): https.ServerOptions {
  const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, minVersion: 'TLSv1.2', ...mutual };
}

function bound(server: http.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new ListenError(`${shownHost(host)}:${port}`, { cause: error })));
    server.listen({ host, port, backlog: 4096 }, resolve);
  });
}
