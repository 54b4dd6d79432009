/**
 * Remote participants in the test's own process: each call becomes a `Request` to a web-standard handler. The fault model:
 *
 * - `refused`: nothing listens; not a byte is sent.
 * - `request-lost`: sent, and never arrives; the connection breaks.
 * - `answer-lost`: arrives and takes effect; the connection breaks before the answer.
 * - `silent`: takes effect, and nothing more is heard until the caller gives up.
 * - `lost-in-silence`: never arrives, and nothing is heard until the caller gives up.
 * - `cut-off`: answered, but the body breaks off in the middle.
 */
import type { RemoteAnswer, RemoteCall, RemoteCaller } from '../outbound/remote-caller.ts';

/** What goes wrong with one call. */
export type RemoteFault = 'refused' | 'request-lost' | 'answer-lost' | 'silent' | 'lost-in-silence' | 'cut-off';

/** What serves the calls to one URL, or to all below it. */
export type RemoteHandler = (request: Request) => Response | Promise<Response>;

/** Options of {@link remoteParticipants}. */
export interface RemoteParticipantsOptions {
  /** What goes wrong with a call; `number` counts all calls, from 1. Default nothing. */
  readonly fault?: (call: RemoteCall, number: number) => RemoteFault | undefined;
}

/** A {@link RemoteCaller} to handlers, and the calls it was asked to make; made by {@link remoteParticipants}. */
export interface RemoteParticipants extends RemoteCaller {
  /** Every call so far, in order, those that went wrong too. */
  readonly calls: readonly RemoteCall[];
}

function refusedError(url: string): Error {
  return Object.assign(new Error(`connect ECONNREFUSED ${new URL(url).host}`), { code: 'ECONNREFUSED' });
}

const brokenError = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

/** Resolves once the caller has given up. */
function givenUp(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

class Participants implements RemoteParticipants {
  readonly calls: RemoteCall[] = [];
  private readonly routes: ReadonlyMap<string, RemoteHandler>;
  private readonly fault: NonNullable<RemoteParticipantsOptions['fault']>;

  constructor(routes: Readonly<Record<string, RemoteHandler>>, { fault = () => undefined }: RemoteParticipantsOptions) {
    this.routes = new Map(Object.entries(routes));
    this.fault = fault;
  }

  check(): void {
    // Whatever is not served here refuses connections, as a port that nobody listens at does.
  }

  async call(call: RemoteCall): Promise<RemoteAnswer> {
    this.calls.push(call);
    const fault = this.fault(call, this.calls.length);
    const handler = [...this.routes].find(([prefix]) => call.url.startsWith(prefix))?.[1];
    // A request takes at least a turn to arrive.
    await Promise.resolve();
    if (handler === undefined || fault === 'refused') return { kind: 'not-sent', error: refusedError(call.url) };
    if (fault === 'request-lost') return { kind: 'lost', reason: 'reset', error: brokenError() };
    if (fault === 'lost-in-silence') return this.silence(call);
    const answer = await this.serve(handler, call);
    if (fault === 'silent') return this.silence(call);
    if (fault === 'answer-lost') return { kind: 'lost', reason: 'reset', error: brokenError() };
    return fault === 'cut-off' ? { ...answer, body: answer.body.slice(0, -1), bodyFault: 'cut-off' } : answer;
  }

  private async silence({ signal }: RemoteCall): Promise<RemoteAnswer> {
    await givenUp(signal);
    return { kind: 'lost', reason: 'timeout', error: signal.reason };
  }

  private async serve(
    handler: RemoteHandler,
    { url, method, headers, body, signal }: RemoteCall,
  ): Promise<Extract<RemoteAnswer, { kind: 'answered' }>> {
    const answer = await handler(new Request(url, { method, headers, body, signal }));
    const text = await answer.text();
    return { kind: 'answered', status: answer.status, headers: Object.fromEntries(answer.headers), body: text };
  }
}

/**
 * A caller for tests of sagas with remote steps: the participants are web-standard handlers in the same process, such as
 * `participant()` makes, and calls go wrong as the test says. Give it to `testTempo` as `caller`.
 *
 * @param routes handlers by URL; a handler serves its URL and all that begin with it. Elsewhere nobody listens.
 * @param options.fault what goes wrong with a call. Default nothing.
 * @example
 * const stock = participant({ actions: { reserve: { run: () => ({ id: 7 }) } }, barrier: memoryBarrier() });
 * const caller = remoteParticipants({ 'http://stock/': stock }, { fault: (_, n) => (n === 1 ? 'answer-lost' : undefined) });
 * const order = saga('order').input<string>()
 *   .step('reserve', http({ url: 'http://stock/reserve', compensateUrl: 'http://stock/reserve', barrier: true }))
 *   .output(({ results }) => results.reserve);
 * await using tempo = await testTempo({ sagas: [order], caller });
 * const run = await tempo.start(order, { id: 'order-1', input: 'tea' });
 * [await tempo.until(run.result()), caller.calls.length] // => [{ id: 7 }, 2]
 */
export function remoteParticipants(
  routes: Readonly<Record<string, RemoteHandler>>,
  options: RemoteParticipantsOptions = {},
): RemoteParticipants {
  return new Participants(routes, options);
}
