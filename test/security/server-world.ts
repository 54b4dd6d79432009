import { memoryJournal } from '../../src/journal/index.ts';
import type { JsonValue } from '../../src/saga/index.ts';
import { openServer, type Server, type ServerOptions } from '../../src/server/index.ts';

/** A server without sockets, and a client that has no manners. */
export interface ServerWorld extends AsyncDisposable {
  readonly server: Server;
  /** Sends a request, and reads its answer to the end, unless that is a stream. */
  send(method: string, path: string, init?: RequestInit): Promise<Answer>;
  /** Sends JSON. */
  post(path: string, body: JsonValue | string): Promise<Answer>;
}

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Opens a server in memory. */
export async function serverWorld(options: Partial<ServerOptions> = {}): Promise<ServerWorld> {
  const server = await openServer({ journal: memoryJournal(), sagas: [], ...options });
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = new Headers(init.headers);
    if (!headers.has('host')) headers.set('host', 'localhost:7788');
    const answer = await server.handle(new Request(`http://localhost:7788${path}`, { method, ...init, headers }));
    const isStream = answer.headers.get('content-type') === 'text/event-stream';
    if (isStream) await answer.body?.cancel();
    return { status: answer.status, headers: answer.headers, text: isStream ? '' : await answer.text() };
  };
  return {
    server,
    send,
    post: (path, body) =>
      send('POST', path, {
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** The code of a problem. */
export function codeOf({ text }: Answer): string {
  return (JSON.parse(text) as { readonly code: string }).code;
}
