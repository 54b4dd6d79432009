import type { JsonValue } from '../saga/json-value.ts';
import type { CloudEvent } from './cloud-event.ts';

/** All that one consumer has to do with one saga: locked as a whole, so its events are dealt with one after the other. */
export interface LaneKey {
  readonly consumer: string;
  readonly sagaId: string;
}

/** A lane to lock, and what will be asked of it, so that it can be read in one go with that of others. */
export interface LaneRequest extends LaneKey {
  readonly deliveries?: readonly DeliveryKey[];
  /** Names of reactions. */
  readonly reactions?: readonly string[];
}

/** How a lane stands. */
export interface LaneRow {
  /** The event that the later ones wait for: it is in hand, to be retried, held, or given up. */
  readonly blockedBy?: string;
  /** How many events wait in the inbox. */
  readonly parked: number;
}

/** What is known of one delivery of an event to one consumer. */
export interface DeliveryRow {
  /**
   * `running`: its handler was begun; found again so, the process died with it in hand. `parked`: it waits in the inbox.
   * `dead`: it was given up, and waits for a person.
   */
  readonly state: 'open' | 'running' | 'parked' | 'dead' | 'done';
  /** How often its handler was begun, counted before it begins. */
  readonly deliveries: number;
  /** How often the process died meanwhile. */
  readonly crashes: number;
  /** Its place among the events of its lane, by arrival. */
  readonly ordinal: number;
  /** Why it waits or was given up. */
  readonly reason?: string;
  readonly detail?: string;
  /** Present while it waits in the inbox. */
  readonly event?: CloudEvent;
  /** When it came to this state, ms since 1970, by the inbox's clock. */
  readonly since: number;
}

/** What a reaction has done in a saga, as far as it must be known to undo it. */
export interface ReactionRow {
  /** It is undone, or was asked to be before it ran: it does not run any more. */
  readonly barred: boolean;
  /** Its runs that stand, the oldest first. */
  readonly runs: readonly { readonly id: string; readonly output: JsonValue; readonly event: CloudEvent }[];
}

/** Names a delivery: the event by source and id. */
export interface DeliveryKey {
  readonly source: string;
  readonly id: string;
}

/** A delivery that waits in the inbox. */
export interface WaitingDelivery extends DeliveryKey {
  readonly sagaId: string;
  readonly row: DeliveryRow & { readonly event: CloudEvent };
}

/** One transaction on one lane, which it has locked. Reads see what the transaction has written. */
export interface InboxSession<Transaction> {
  /** What the business writes through, so that it commits with the inbox. */
  readonly transaction: Transaction;
  /** The inbox's own time, ms since 1970: the only clock that decides what has expired. */
  readonly now: number;
  /** How the lane stood when it was locked. */
  readonly lane: LaneRow;
  saveLane(row: LaneRow): Promise<void>;
  /** The next ordinal of the lane. */
  nextOrdinal(): Promise<number>;
  delivery(key: DeliveryKey): Promise<DeliveryRow | undefined>;
  saveDelivery(key: DeliveryKey, row: DeliveryRow): Promise<void>;
  /** The event that came first of those that wait in the inbox, also when its run had begun; not one that was given up. */
  nextWaiting(): Promise<WaitingDelivery | undefined>;
  reaction(name: string): Promise<ReactionRow | undefined>;
  saveReaction(name: string, row: ReactionRow): Promise<void>;
}

/** Which waiting deliveries to list. */
export interface WaitingFilter {
  readonly state: 'parked' | 'dead';
  readonly reason?: string;
  /** At most this many. Default 100. */
  readonly limit?: number;
}

/**
 * What a consumer has seen and done, in the database of its business, so that an event takes effect once.
 *
 * An implementer keeps: a transaction holds its lane alone, in this process and any other; it commits when the work
 * resolves and rolls everything back, the business's own writes too, when it rejects; it resolves only after the commit;
 * it does not wait for a lane longer than a consumer can wait, and then throws `InProgressError`.
 */
export interface Inbox<Transaction> {
  transaction<Value>(
    lane: LaneKey,
    work: (session: InboxSession<Transaction>) => Promise<Value>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Value>;
  /**
   * One transaction on several lanes of one consumer, no two of them the same, with the promises of `transaction` for each;
   * gives a session a lane, in their order. An inbox without it deals with one event at a time.
   */
  transactionOn?<Value>(
    lanes: readonly LaneRequest[],
    work: (sessions: readonly InboxSession<Transaction>[]) => Promise<Value>,
  ): Promise<Value>;
  /** Sagas whose lane is open and has parked events: their process died, or another has opened it. */
  waitingLanes(consumer: string, limit: number): Promise<readonly string[]>;
  /** Deliveries that wait in the inbox, the oldest first. */
  waiting(consumer: string, filter: WaitingFilter): Promise<readonly WaitingDelivery[]>;
}
