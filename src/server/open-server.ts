import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { notify } from '../ports/notify.ts';
import type { SagaEvent } from '../tempo/events.ts';
import { openTempo } from '../tempo/open-tempo.ts';
import type { Tempo, TempoOptions } from '../tempo/tempo.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { ServerEvent } from '../wire/server-event.ts';
import { AdHocSagas } from './ad-hoc-saga.ts';
import type { Authenticator, Peer } from '../wire/authenticator.ts';
import { QuotaDesk, type Quotas } from './quotas.ts';
import { SagaFeed } from './saga-feed.ts';
import { ServerHandler } from './server-handler.ts';

/** Options of {@link openServer}: those of the coordinator inside it, and of what is around it. */
export interface ServerOptions extends Omit<TempoOptions, 'observer' | 'readPlan'> {
  /** Finds out who asks. Default: nobody is asked for a credential, and everybody may do everything. */
  readonly authenticator?: Authenticator;
  /**
   * The values of `Host` that it answers under, to the letter: `['sagas.internal']`, `['localhost:7788']`. Default: the
   * names of the loopback interface, on any port.
   */
  readonly hosts?: readonly string[];
  /** Origins whose pages may change something: `['https://ops.example']`. Default: those of `hosts`. */
  readonly origins?: readonly string[];
  /** The longest body of a request, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** How long a request may still be on its way after its time-out, in sagas whose steps do not say. Default `'30s'`. */
  readonly maxFlight?: Duration;
  /** What namespaces may ask; who asks for more is answered 429. Default: no bounds. */
  readonly quotas?: Quotas;
  /** Gives the text of `/metrics`. Default: it is empty. */
  readonly metrics?: () => string;
  /** The version that the OpenAPI document tells. Default `'0'`. */
  readonly version?: string;
  /** Told of every request that was answered, and of all that a coordinator tells. */
  readonly observer?: Observer<SagaEvent | ServerEvent>;
}

/** A server that is open: a coordinator, and the handler of what is asked of it. */
export interface Server extends AsyncDisposable {
  readonly tempo: Tempo;
  /**
   * Answers a web-standard request; never rejects.
   *
   * @param peer where it comes from, for those who count failed attempts. Default nobody knows.
   */
  handle(request: Request, peer?: Peer): Promise<Response>;
  /** Answers whoever waits, ends streams, drains, parks what is unfinished, closes the journal. Safe to call twice. */
  close(): Promise<void>;
}

function checkBytes(maxBodyBytes: number | undefined): void {
  if (maxBodyBytes === undefined || (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0)) return;
  throw new RangeError(`Expected maxBodyBytes to be an integer ≥ 1, got ${String(maxBodyBytes)}`);
}

/**
 * Opens a coordinator with everything that the protocol lets others ask of it over HTTP: registered sagas, and sagas whose
 * steps come with the request. Give `handle` to whatever listens: Node by `makegood serve`, or a framework of yours.
 *
 * @throws what `openTempo` throws, and {@link RangeError} for `maxBodyBytes`.
 * @example
 * await using server = await openServer({ journal: memoryJournal(), sagas: [] });
 * const answer = await server.handle(new Request('http://localhost/healthz', { headers: { host: 'localhost' } }));
 * answer.status // => 200
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  const {
    authenticator,
    hosts,
    origins,
    maxBodyBytes,
    maxFlight,
    metrics,
    version,
    observer,
    quotas = {},
    ...coordinator
  } = options;
  checkBytes(maxBodyBytes);
  if (maxFlight !== undefined) toMs(maxFlight, 'maxFlight');
  const feed = new SagaFeed();
  const adHoc = new AdHocSagas(maxFlight);
  const desk: QuotaDesk = new QuotaDesk(quotas, options.clock ?? systemClock, () => tempo.driven());
  const tell = (event: SagaEvent): void => {
    feed.observer(event);
    desk.hear(event);
    notify(observer, event);
  };
  const tempo: Tempo = await openTempo({ ...coordinator, observer: tell, readPlan: adHoc.read });
  const { sagas, clock, random } = options;
  const surroundings = { authenticator, hosts, origins, maxBodyBytes, metrics, version, clock, random };
  const handler = new ServerHandler({
    tempo,
    feed,
    adHoc,
    quotas: desk,
    sagas,
    ...surroundings,
    observer: (event) => notify(observer, event),
  });
  const close = async (): Promise<void> => {
    handler.close();
    await tempo.close();
  };
  return { tempo, handle: (request, peer) => handler.handle(request, peer), close, [Symbol.asyncDispose]: close };
}
