import { type Broker, type BrokerMessage, deadLetterHeaders, deadLetterTopic, type Verdict } from './broker.ts';
import type { ChoreographyPlan } from './choreography-plan.ts';
import { type ChoreographyView, type DeadLetterNote, viewOfChoreography } from './choreography-view.ts';
import { type CloudEvent, decodeEvent } from './cloud-event.ts';

/** Options of {@link watchChoreography}. */
export interface WatchOptions {
  readonly broker: Broker;
  readonly plan: ChoreographyPlan;
  /** Default `'sagas'`. */
  readonly topic?: string;
  /** The group that it consumes as: one for each process that watches. Default `'makegood-watch'`. */
  readonly group?: string;
  /** How many sagas are kept; the one that has been quiet for longest goes first. Default 10,000. */
  readonly limit?: number;
}

/** One thing that happened in a saga. */
export interface ChoreographyEntry {
  /** ms since 1970. */
  readonly at: number;
  readonly type: string;
  readonly service: string;
  readonly id: string;
  /** The event that this one answers, or repeats. */
  readonly cause?: string;
  /** Of a retry: which, and why. Of a dead letter: why. */
  readonly note?: string;
}

/** What is seen of choreographed sagas, made by {@link watchChoreography}. */
export interface ChoreographyWatch {
  get(sagaId: string): ChoreographyView | undefined;
  /** The latest first. */
  list(filter?: { readonly status?: ChoreographyView['status']; readonly limit?: number }): readonly ChoreographyView[];
  /** Everything that was seen of a saga, in order. */
  history(sagaId: string): readonly ChoreographyEntry[];
  /** Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Trail {
  readonly id: string;
  readonly seen: Set<string>;
  readonly events: CloudEvent[];
  readonly deadLetters: DeadLetterNote[];
  readonly history: ChoreographyEntry[];
}

const done: Verdict = Object.freeze({ verdict: 'done' });

class Watch implements ChoreographyWatch {
  private readonly plan: ChoreographyPlan;
  private readonly limit: number;
  private readonly trails = new Map<string, Trail>();
  private readonly subscriptions: { close(): Promise<void> }[] = [];

  constructor(plan: ChoreographyPlan, limit: number) {
    this.plan = plan;
    this.limit = limit;
  }

  async start({ broker, topic = 'sagas', group = 'makegood-watch' }: WatchOptions): Promise<this> {
    const watch = async (name: string, note: (message: BrokerMessage) => void): Promise<void> => {
      const handle = async ({ message }: { readonly message: BrokerMessage }): Promise<Verdict> => {
        note(message);
        return done;
      };
      this.subscriptions.push(await broker.subscribe({ topic: name, group, watching: true, handle }));
    };
    await watch(topic, (message) => this.noteEvent(message));
    await watch(deadLetterTopic(topic), (message) => this.noteDeadLetter(message));
    return this;
  }

  get(sagaId: string): ChoreographyView | undefined {
    const trail = this.trails.get(sagaId);
    return trail === undefined ? undefined : viewOfChoreography(this.plan, trail);
  }

  list(filter: Parameters<ChoreographyWatch['list']>[0] = {}): readonly ChoreographyView[] {
    const { status, limit = 100 } = filter;
    const views = [...this.trails.values()].toReversed().map((trail) => viewOfChoreography(this.plan, trail));
    return views.filter((view) => status === undefined || view.status === status).slice(0, limit);
  }

  history(sagaId: string): readonly ChoreographyEntry[] {
    return [...(this.trails.get(sagaId)?.history ?? [])];
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private noteEvent({ value }: BrokerMessage): void {
    const event = readable(value);
    if (event === undefined) return;
    const trail = this.trailOf(event.sagaid);
    if (trail.seen.has(`${event.source} ${event.id}`)) return;
    trail.seen.add(`${event.source} ${event.id}`);
    trail.events.push(event);
    const { time, type, source: service, id, causationid, retryof, retry } = event;
    const cause = retryof ?? causationid;
    const note = retry === undefined ? undefined : `retry ${retry.attempts}: ${retry.message} (${retry.code})`;
    const facts = { at: Date.parse(time), type, service, id };
    trail.history.push({ ...facts, ...(cause !== undefined && { cause }), ...(note !== undefined && { note }) });
  }

  private noteDeadLetter({ value, headers = {} }: BrokerMessage): void {
    const event = readable(value);
    if (event === undefined) return;
    const of = (name: keyof typeof deadLetterHeaders): string => headers[deadLetterHeaders[name]] ?? '';
    const [service, reason, detail, at] = [of('group'), of('reason'), of('detail'), Date.parse(of('time'))];
    const trail = this.trailOf(event.sagaid);
    trail.deadLetters.push({ service, event, reason, detail, at });
    const { type, id, retryof } = event;
    const note = detail === '' ? `dead letter: ${reason}` : `dead letter: ${reason}, ${detail}`;
    trail.history.push({ at, type, service, id, note, ...(retryof !== undefined && { cause: retryof }) });
  }

  /** The saga's trail, which is now the latest. */
  private trailOf(id: string): Trail {
    const trail = this.trails.get(id) ?? { id, seen: new Set(), events: [], deadLetters: [], history: [] };
    this.trails.delete(id);
    this.trails.set(id, trail);
    const [oldest] = this.trails.keys();
    if (this.trails.size > this.limit && oldest !== undefined) this.trails.delete(oldest);
    return trail;
  }
}

function readable(value: string): CloudEvent | undefined {
  try {
    return decodeEvent(value);
  } catch {
    return undefined;
  }
}

/**
 * Watches a choreography from outside and shows its sagas as an orchestrator would: their status, each service's step with
 * its attempts and failures, and their history. It needs nothing of the services but their events.
 *
 * @param options.plan who takes part: `reactor.describe()` of each service.
 * @param options.limit how many sagas are kept. Default 10,000.
 * @throws {RangeError} when `limit` is no integer ≥ 1.
 * @example
 * const plan = { name: 'order', begins: 'order.placed', services: [] };
 * await using watch = await watchChoreography({ broker: memoryBroker(), plan });
 * watch.list() // => []
 */
export async function watchChoreography(options: WatchOptions): Promise<ChoreographyWatch> {
  const { plan, limit = 10_000 } = options;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError(`Expected limit to be an integer ≥ 1, got ${limit}`);
  return new Watch(plan, limit).start(options);
}
