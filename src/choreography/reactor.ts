import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import { cryptoRandom, type Random, systemRandom, uniqueId } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { Broker } from './broker.ts';
import type { ChoreographyEvent } from './choreography-events.ts';
import type { ReactorDescription } from './choreography-plan.ts';
import type { Inbox } from './inbox.ts';
import type { Outbox } from './outbox.ts';
import { type Reaction, type ReactionOptions, resolveReaction } from './reaction.ts';
import type { Consumer } from './reception.ts';
import { type OpenReactor, RunningReactor } from './running-reactor.ts';
import { checkTopic, subscribeDefaults } from './subscription.ts';

/** Options of {@link reactor}. */
export interface ReactorOptions<Transaction> {
  /** What carries the events. The reactor does not close it. */
  readonly broker: Broker;
  /** What was seen and done, in the database of the business. */
  readonly inbox: Inbox<Transaction>;
  /** What is to be published, in the same database. */
  readonly outbox: Outbox<Transaction>;
  /** The one topic of the choreography: all its services publish to it and see all of it. Default `'sagas'`. */
  readonly topic?: string;
  /** How many transactions it has at the same time, of one event each where none is shared. Default 16. */
  readonly concurrency?: number;
  /**
   * How many events, each of another saga, may share a transaction, where the inbox can do that: their reactions run one
   * after the other for the price of one commit. When one fails, all of it is rolled back, and each runs again by itself under
   * the same `attempt`. After 100 ms a shared transaction begins no more of them. 1: none is shared. Default 128.
   */
  readonly shared?: number;
  /** How many events may be taken from the broker and not yet dealt with. Default 1,000. */
  readonly window?: number;
  /** How often an event may be begun before it is poison. Default 5. */
  readonly maxDeliveries?: number;
  /** How often the process may die with an event in hand before it is poison. Default 2. */
  readonly maxCrashes?: number;
  /** How many events may lead to one another before it is taken for a loop. Default 32. */
  readonly maxHops?: number;
  /** How much clocks may differ. Default `'2s'`. */
  readonly skewAllowance?: Duration;
  /** How often it looks for what waits in inbox and outbox when nobody wakes it. Default `'500ms'`. */
  readonly pollEvery?: Duration;
  /** How long the broker may be silent before the consumer is built anew. Default `'30s'`. */
  readonly stallAfter?: Duration;
  /** Default nobody. */
  readonly observer?: Observer<ChoreographyEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Draws jitter. Default {@link systemRandom}. */
  readonly random?: Random;
  /** Makes the ids of events. Default {@link uniqueId}. */
  readonly newId?: () => string;
}

/** The defaults of {@link reactor}. */
export const reactorDefaults: Required<
  Omit<ReactorOptions<never>, 'broker' | 'inbox' | 'outbox' | 'observer' | 'clock' | 'random' | 'newId'>
> = Object.freeze({
  topic: 'sagas',
  concurrency: subscribeDefaults.concurrency,
  shared: 128,
  window: subscribeDefaults.window,
  maxDeliveries: 5,
  maxCrashes: 2,
  maxHops: 32,
  skewAllowance: '2s',
  pollEvery: '500ms',
  stallAfter: subscribeDefaults.stallAfter,
});

/** A service's reactions, to be opened; immutable, each `on` gives a new one. */
export interface Reactor<Transaction> {
  readonly name: string;
  /**
   * Adds a reaction.
   *
   * @throws {TypeError | RangeError} when an option is wrong, or there is a reaction to this type.
   */
  on<Data = JsonValue, const Emits extends string = never>(
    type: string,
    reaction: ReactionOptions<Transaction, Data, Emits>,
  ): Reactor<Transaction>;
  /** What it reacts to and how, as data. */
  describe(): ReactorDescription;
  /** Starts to work: to consume, to publish, and to look for what waits. */
  open(): Promise<OpenReactor<Transaction>>;
}

function checkCount(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`Expected ${what} to be an integer ≥ 1, got ${String(value)}`);
}

class ReactorBuilder<Transaction> implements Reactor<Transaction> {
  readonly name: string;
  private readonly options: ReactorOptions<Transaction>;
  private readonly reactions: readonly Reaction<Transaction>[];

  constructor(name: string, options: ReactorOptions<Transaction>, reactions: readonly Reaction<Transaction>[]) {
    this.name = name;
    this.options = options;
    this.reactions = reactions;
  }

  on<Data, Emits extends string>(
    type: string,
    options: ReactionOptions<Transaction, Data, Emits>,
  ): Reactor<Transaction> {
    if (this.reactions.some((known) => known.type === type))
      throw new TypeError(`Expected one reaction of "${this.name}" to "${type}", got two`);
    return new ReactorBuilder(this.name, this.options, [...this.reactions, resolveReaction(type, options)]);
  }

  describe(): ReactorDescription {
    const reactions = this.reactions.map(({ type: on, emits, compensateOn }) => {
      return { on, emits: [...emits], compensateOn: [...compensateOn] };
    });
    return { service: this.name, reactions };
  }

  async open(): Promise<OpenReactor<Transaction>> {
    const { broker, concurrency, shared, window, stallAfter, pollEvery } = { ...reactorDefaults, ...this.options };
    return new RunningReactor(this.consumer(), {
      broker,
      pollEveryMs: toMs(pollEvery, 'pollEvery'),
      concurrency: checkCount(concurrency, 'concurrency'),
      shared: checkCount(shared, 'shared'),
      subscription: { window, stallAfter },
    }).start();
  }

  private consumer(): Omit<Consumer<Transaction>, 'onAdded'> {
    const { clock = systemClock, random = systemRandom, observer, inbox, outbox } = this.options;
    const { topic, maxDeliveries, maxCrashes, maxHops, skewAllowance } = { ...reactorDefaults, ...this.options };
    const undoing = new Map<string, readonly Reaction<Transaction>[]>();
    for (const reaction of this.reactions.toReversed())
      for (const type of reaction.compensateOn) undoing.set(type, [...(undoing.get(type) ?? []), reaction]);
    return {
      source: this.name,
      topic,
      newId: this.options.newId ?? (() => uniqueId(cryptoRandom)),
      inbox,
      outbox,
      reactions: new Map(this.reactions.map((reaction) => [reaction.type, reaction])),
      undoing,
      limits: {
        maxDeliveries: checkCount(maxDeliveries, 'maxDeliveries'),
        maxCrashes: checkCount(maxCrashes, 'maxCrashes'),
        maxHops: checkCount(maxHops, 'maxHops'),
        skewAllowanceMs: toMs(skewAllowance, 'skewAllowance'),
      },
      clock,
      random,
      observer,
    };
  }
}

/**
 * A service that takes part in sagas without a coordinator: it reacts to events, and its reactions emit others. What a
 * reaction writes, what it emits and the mark that the event is dealt with are one transaction, so each event takes effect
 * once, however often the broker gives it.
 *
 * A reaction that fails is retried by an event addressed to this service alone; after its last attempt the event waits
 * among the dead letters, and so do later events of its saga; other sagas go on.
 *
 * @param name of the service: the source of its events and the group it consumes as.
 * @throws {TypeError | RangeError} for options that are missing or out of range.
 * @example
 * const { inbox, outbox } = memoryLedger();
 * const stock = reactor('stock', { broker: memoryBroker(), inbox, outbox }).on('order.placed', {
 *   run: ({ data, emit }) => emit('stock.reserved', data),
 *   emits: ['stock.reserved'],
 * });
 * await using running = await stock.open();
 * running.state // => 'consuming'
 */
export function reactor<Transaction>(name: string, options: ReactorOptions<Transaction>): Reactor<Transaction> {
  for (const port of ['broker', 'inbox', 'outbox'] as const)
    if (typeof options?.[port] !== 'object') throw new TypeError(`Expected ${port} of reactor "${name}" to be given`);
  checkTopic(options.topic ?? reactorDefaults.topic);
  return new ReactorBuilder(checkName(name, 'reactor name'), options, []);
}
