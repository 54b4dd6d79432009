/** A participant over HTTP that keeps its barrier and does, call by call, what a test says. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A call as it came. */
export interface ServiceCall {
  readonly path: string;
  readonly phase: string;
  readonly saga: string;
  readonly step: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly key: string;
  readonly headers: IncomingMessage['headers'];
  /** Whatever JSON was sent. */
  readonly body: ReturnType<typeof JSON.parse>;
  readonly atMs: number;
}

/** What a call does: the effect, if it is to have one, and the answer. */
export interface Reply {
  /** Default true for 200, 201 and 204, else false. */
  readonly effect?: boolean;
  /** `hang`: no answer. `reset`: the connection breaks. Default 200. */
  readonly status?: number | 'hang' | 'reset';
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it stands. */
  readonly body?: unknown;
  readonly afterMs?: number;
}

/** What a path does with its `n`-th call of a phase, from 1. */
export type Script = (call: ServiceCall, n: number) => Reply | Promise<Reply>;

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

/** Effects are kept by saga and step: `done` and `undone`, each 0 or 1 where all is well. */
export class ScriptedService implements AsyncDisposable {
  readonly calls: ServiceCall[] = [];
  readonly done: Map<string, number> = new Map();
  readonly undone: Map<string, number> = new Map();
  private readonly scripts = new Map<string, Script>();
  private readonly replies = new Map<string, Reply>();
  private readonly aborted = new Set<string>();
  private readonly counts = new Map<string, number>();
  private readonly server: Server;
  private origin = '';

  private constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(): Promise<ScriptedService> {
    const service = new ScriptedService();
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    const address = service.server.address();
    if (address === null || typeof address === 'string') throw new TypeError('Expected a port');
    service.origin = `http://127.0.0.1:${address.port}`;
    return service;
  }

  /** The URL of a path that does what the script says; every call is good without one. */
  url(path: string, script?: Script): string {
    if (script !== undefined) this.scripts.set(`/${path}`, script);
    return `${this.origin}/${path}`;
  }

  callsOf(path: string, phase?: string): readonly ServiceCall[] {
    return this.calls.filter((call) => call.path === `/${path}` && (phase === undefined || call.phase === phase));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
    } catch {
      return; // the caller broke off
    }
    const call: ServiceCall = {
      path: request.url ?? '',
      phase: header(request, 'makegood-phase'),
      saga: header(request, 'makegood-saga'),
      step: header(request, 'makegood-step'),
      attempt: Number(header(request, 'makegood-attempt')),
      epoch: Number(header(request, 'makegood-epoch')),
      key: header(request, 'idempotency-key'),
      headers: request.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      atMs: performance.now(),
    };
    this.calls.push(call);
    const counted = `${call.path} ${call.phase} ${call.saga}`;
    const n = (this.counts.get(counted) ?? 0) + 1;
    this.counts.set(counted, n);
    const reply = this.behindBarrier(call, (await this.scripts.get(call.path)?.(call, n)) ?? {});
    if (reply.afterMs !== undefined) await sleep(reply.afterMs);
    answer(response, reply);
  }

  /** The rules of the barrier: a duplicate is answered again, an action after its undo refused. */
  private behindBarrier(call: ServiceCall, reply: Reply): Reply {
    const { status = 200, effect = status === 200 || status === 201 || status === 204 } = reply;
    // It is asked with the key of the action, and is no call of it.
    if (call.phase === 'status') return reply;
    const of = `${call.saga}/${call.step}`;
    if (call.phase === 'action' && this.aborted.has(of)) return { status: 409, body: { message: 'aborted' } };
    const stored = this.replies.get(call.key);
    if (stored !== undefined) return typeof stored.status === 'string' ? { body: stored.body } : stored;
    if (!effect) return reply;
    this.replies.set(call.key, { ...reply, ...(typeof status === 'string' ? { status: 200 } : {}) });
    if (call.phase === 'compensation') {
      this.aborted.add(of);
      // Nothing was done: nothing is undone, and nothing will be done any more.
      if ((this.done.get(of) ?? 0) > 0) this.undone.set(of, (this.undone.get(of) ?? 0) + 1);
    } else if (call.phase === 'action') this.done.set(of, (this.done.get(of) ?? 0) + 1);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

function answer(response: ServerResponse, { status = 200, headers = {}, body }: Reply): void {
  if (status === 'hang') return;
  if (status === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const isText = typeof body === 'string' || body === undefined;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}
