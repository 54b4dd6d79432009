import { uniqueId } from '../ports/random.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { sleepMs } from '../time/sleep.ts';
import { paths } from '../wire/paths.ts';
import type { DecisionRequest, PolicyRequest, RestartRequest, StartRequest } from '../wire/requests.ts';
import type {
  WireAttentionItem,
  WireOutcome,
  WirePage,
  WirePolicy,
  WireRecord,
  WireSagaLine,
  WireSagaView,
  WireStatus,
} from '../wire/saga.ts';
import { type Ask, type ClientOptions, Connection } from './connection.ts';
import { ServerRefusedError } from './client-errors.ts';
import { readEvents } from './event-reader.ts';

/** What every call may be given. */
export interface CallOptions {
  /** Ends the call; what was asked may have happened. */
  readonly signal?: AbortSignal | undefined;
}

/** Which sagas to list. */
export interface SagaQuery {
  readonly status?: WireStatus | undefined;
  readonly name?: string | undefined;
  /** Only unfinished sagas that are at this step. */
  readonly step?: string | undefined;
  /** Only sagas created from then on, RFC 3339. */
  readonly from?: string | undefined;
  /** Only sagas created until then, RFC 3339. */
  readonly to?: string | undefined;
  /** How many a page, 1 to 1,000. Default 50. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Options of watching. */
export interface WatchOptions extends CallOptions {
  /** Only this saga's records, from its first. Default: everybody's, from now. */
  readonly saga?: string | undefined;
  /** Begin behind this record: its `offset`. Default see `saga`. */
  readonly after?: number | undefined;
}

/** A person's decision about a step; `null` for the saga as a whole. */
type Decide = (id: string, step: string | null, decision?: DecisionRequest & CallOptions) => Promise<WireSagaView>;

/** A server, as its clients see it; made by {@link makegoodClient}. Every call rejects as that says. */
export interface MakegoodClient {
  /** Accepts a saga; `created: false` when the same request had been accepted before. Safe to repeat, since it has an id. */
  start(
    request: StartRequest,
    options?: CallOptions,
  ): Promise<{ readonly saga: WireSagaView; readonly created: boolean }>;
  /** Runs a saga that has ended anew, as `id@2`; `created: false` when that run was there already. Safe to repeat. */
  restart(
    id: string,
    options?: RestartRequest & CallOptions,
  ): Promise<{ readonly saga: WireSagaView; readonly created: boolean }>;
  /** Lets a saga go forward until `deadline` from now. */
  renew(id: string, deadline: Duration, options?: CallOptions): Promise<WireSagaView>;
  get(id: string, options?: CallOptions): Promise<WireSagaView>;
  /** One page of sagas, newest first. */
  list(query?: SagaQuery & CallOptions): Promise<WirePage<WireSagaLine>>;
  history(id: string, options?: CallOptions): Promise<readonly WireRecord[]>;
  /** How a saga ended, or where it stands after waiting for that. `wait` default: no waiting; `Infinity` waits for ever. */
  outcome(id: string, options?: CallOptions & { readonly wait?: Duration }): Promise<WireOutcome>;
  /** Turns a saga round; `false` when it was being undone already. */
  cancel(id: string, options?: CallOptions & { readonly reason?: string }): Promise<boolean>;
  terminate(id: string, options?: CallOptions & { readonly reason?: string }): Promise<WireSagaView>;
  signal(id: string, name: string, payload?: JsonValue, options?: CallOptions): Promise<void>;
  /** Takes a saga that has ended out of sight. */
  delete(id: string, options?: CallOptions): Promise<void>;
  /** What waits for a person, and the decisions about it. */
  readonly attention: {
    list(options?: CallOptions): Promise<readonly WireAttentionItem[]>;
    readonly retry: Decide;
    readonly retryWith: Decide;
    readonly resolve: Decide;
    readonly skip: Decide;
    readonly forward: Decide;
  };
  /** Retry policies given to steps at run time. */
  readonly policies: {
    list(options?: CallOptions): Promise<readonly WirePolicy[]>;
    set(saga: string, step: string, retry: PolicyRequest, options?: PolicyOptions): Promise<WirePolicy>;
    delete(saga: string, step: string, options?: PolicyOptions): Promise<void>;
  };
  /** Records as they become durable, without end; when the stream breaks it goes on behind the last one. */
  events(options?: WatchOptions): AsyncIterable<WireRecord>;
}

/** Options of giving a policy. */
export interface PolicyOptions extends CallOptions {
  /** Which call of the step. Default `'action'`. */
  readonly phase?: 'action' | 'compensation';
}

// The server waits no longer than a minute, and what stands between may wait less.
const longestPollMs = 25_000;
const reconnectMs = 1000;
const ends: ReadonlySet<WireStatus> = new Set(['completed', 'compensated', 'terminated']);

class HttpClient implements MakegoodClient {
  private readonly connection: Connection;

  constructor(options: ClientOptions) {
    this.connection = new Connection(options);
  }

  // What the server answers is what its document says.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- named at each call, as a cast would be
  private async read<Value>(ask: Ask): Promise<Value> {
    return (await this.connection.ask(ask)).value as Value;
  }

  async start(request: StartRequest, { signal }: CallOptions = {}) {
    const id = request.id ?? uniqueId();
    // A request that is repeated is the same saga, so it may be sent again when its answer is lost.
    const headers = { 'idempotency-key': id };
    const ask: Ask = { method: 'POST', path: paths.sagas, body: { ...request, id }, headers, signal };
    const { status, value } = await this.connection.ask(ask);
    return { saga: value as WireSagaView, created: status === 201 };
  }

  async restart(id: string, { signal, ...body }: RestartRequest & CallOptions = {}) {
    // The run that comes next of a run is one, however often it is asked for.
    const headers = { 'idempotency-key': `${id}/restart` };
    const ask: Ask = { method: 'POST', path: paths.restart(id), body: { ...body }, headers, signal };
    const { status, value } = await this.connection.ask(ask);
    return { saga: value as WireSagaView, created: status === 201 };
  }

  renew(id: string, deadline: Duration, { signal }: CallOptions = {}): Promise<WireSagaView> {
    return this.read({ method: 'POST', path: paths.renew(id), body: { deadline }, signal });
  }

  get(id: string, { signal }: CallOptions = {}): Promise<WireSagaView> {
    return this.read({ method: 'GET', path: paths.saga(id), signal });
  }

  list({ signal, ...query }: SagaQuery & CallOptions = {}): Promise<WirePage<WireSagaLine>> {
    return this.read({ method: 'GET', path: paths.sagas, query, signal });
  }

  async history(id: string, { signal }: CallOptions = {}): Promise<readonly WireRecord[]> {
    return (await this.read<WirePage<WireRecord>>({ method: 'GET', path: paths.history(id), signal })).items;
  }

  async outcome(
    id: string,
    { signal, wait = 0 }: CallOptions & { readonly wait?: Duration } = {},
  ): Promise<WireOutcome> {
    const { clock } = this.connection;
    const until = clock.monotonicMs() + toMs(wait, 'wait', { allowInfinity: true });
    for (;;) {
      const leftMs = Math.min(longestPollMs, Math.max(0, Math.round(until - clock.monotonicMs())));
      const ask: Ask = { method: 'GET', path: paths.outcome(id), query: { wait: `${leftMs}ms` }, signal };
      const outcome = await this.read<WireOutcome>(ask);
      // A saga that waits for a person may wait for days; whoever asked wants to know that.
      if (ends.has(outcome.status) || outcome.status === 'needs-human' || clock.monotonicMs() >= until) return outcome;
    }
  }

  async cancel(id: string, { signal, ...body }: CallOptions & { readonly reason?: string } = {}): Promise<boolean> {
    return (await this.connection.ask({ method: 'POST', path: paths.cancel(id), body, signal })).status === 202;
  }

  terminate(id: string, { signal, ...body }: CallOptions & { readonly reason?: string } = {}): Promise<WireSagaView> {
    return this.read({ method: 'POST', path: paths.terminate(id), body, signal });
  }

  async signal(id: string, name: string, payload: JsonValue = null, { signal }: CallOptions = {}): Promise<void> {
    await this.read({ method: 'POST', path: paths.signal(id, name), body: payload, signal });
  }

  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.read({ method: 'DELETE', path: paths.saga(id), signal });
  }

  private decide(verb: Parameters<typeof paths.decision>[2]): Decide {
    return (id, step, { signal, ...body } = {}) =>
      this.read({ method: 'POST', path: paths.decision(id, step, verb), body, signal });
  }

  readonly attention: MakegoodClient['attention'] = {
    list: async ({ signal } = {}) =>
      (await this.read<WirePage<WireAttentionItem>>({ method: 'GET', path: paths.attention, signal })).items,
    retry: this.decide('retry'),
    retryWith: this.decide('retry-with'),
    resolve: this.decide('resolve'),
    skip: this.decide('skip'),
    forward: this.decide('forward'),
  };

  readonly policies: MakegoodClient['policies'] = {
    list: async ({ signal } = {}) =>
      (await this.read<WirePage<WirePolicy>>({ method: 'GET', path: paths.policies, signal })).items,
    set: (saga, step, retry, { signal, phase } = {}) =>
      this.read({ method: 'PUT', path: paths.policy(saga, step), query: { phase }, body: retry, signal }),
    delete: async (saga, step, { signal, phase } = {}) => {
      await this.read({ method: 'DELETE', path: paths.policy(saga, step), query: { phase }, signal });
    },
  };

  async *events({ saga, after, signal }: WatchOptions = {}): AsyncGenerator<WireRecord> {
    let last = after;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': String(last) };
        const stream = await this.connection.stream({
          method: 'GET',
          path: paths.events,
          query: { saga },
          headers,
          signal,
        });
        for await (const { data } of readEvents(stream)) {
          const record = JSON.parse(data) as WireRecord;
          last = record.offset;
          yield record;
        }
      } catch (error) {
        signal?.throwIfAborted();
        // What was refused will be refused again; what broke may be whole in a second.
        if (error instanceof ServerRefusedError && error.status !== 503) throw error;
        if (last === undefined && saga === undefined) throw error;
      }
      await sleepMs(reconnectMs, this.connection.clock, signal);
    }
  }
}

/**
 * A client of a server, for browsers and Node: typed, retried where that is safe, and with an error that says what happened.
 *
 * @param options.url where the server is.
 * @param options.token a bearer token. Default none.
 * @throws {ServerRefusedError} from every call, when the server says no; `error.problem.code` says why.
 * @throws {ServerUnreachableError} from every call, when nobody answers; whether it happened is then not known.
 * @example
 * const client = makegoodClient({ url: 'http://127.0.0.1:7788', fetch: async () => Response.json({ items: [] }) });
 * (await client.list({ status: 'needs-human' })).items // => []
 */
export function makegoodClient(options: ClientOptions = {}): MakegoodClient {
  return new HttpClient(options);
}
