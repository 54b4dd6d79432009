import { InProgressError } from '../idempotency/idempotency-errors.ts';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { BrokerMessage } from './broker.ts';
import { type CloudEvent, encodeEvent } from './cloud-event.ts';
import type {
  DeliveryKey,
  DeliveryRow,
  Inbox,
  InboxSession,
  LaneKey,
  LaneRow,
  ReactionRow,
  WaitingDelivery,
  WaitingFilter,
} from './inbox.ts';
import type { Outbox, OutboxDraft, RelayPass } from './outbox.ts';

/** What a transaction in memory has written and not yet committed. */
export interface MemoryTransaction {
  readonly drafts: OutboxDraft[];
}

interface Lane {
  row: LaneRow;
  ordinal: number;
  readonly deliveries: Map<string, { readonly key: DeliveryKey; readonly row: DeliveryRow }>;
  readonly reactions: Map<string, ReactionRow>;
}

interface Queued {
  readonly dueMs: number;
  readonly message: BrokerMessage;
}

function nameOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** An inbox and an outbox that share their transactions: what {@link memoryLedger} gives. */
export interface MemoryLedger {
  readonly inbox: Inbox<MemoryTransaction>;
  readonly outbox: Outbox<MemoryTransaction>;
}

class Ledger implements Inbox<MemoryTransaction>, Outbox<MemoryTransaction> {
  private readonly clock: Clock;
  private readonly lanes = new Map<string, Lane>();
  private readonly locked = new Set<string>();
  private readonly sequences = new Map<string, number>();
  private queue: Queued[] = [];
  private relaying = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async transaction<Value>(
    lane: LaneKey,
    work: (session: InboxSession<MemoryTransaction>) => Promise<Value>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Value> {
    signal?.throwIfAborted();
    return await this.transactionOn([lane], ([session]) => work(session as InboxSession<MemoryTransaction>));
  }

  async transactionOn<Value>(
    keys: readonly LaneKey[],
    work: (sessions: readonly InboxSession<MemoryTransaction>[]) => Promise<Value>,
  ): Promise<Value> {
    const names = keys.map(({ consumer, sagaId }) => nameOf(consumer, sagaId));
    const taken = names.findIndex((name, place) => this.locked.has(name) || names.indexOf(name) < place);
    const { sagaId, consumer } = keys[taken] ?? {};
    if (taken >= 0) throw new InProgressError(`saga "${sagaId}" at "${consumer}"`, { retryAfterMs: 50 });
    for (const name of names) this.locked.add(name);
    try {
      const lanes = names.map((name) => laneLike(this.lanes.get(name)));
      const transaction: MemoryTransaction = { drafts: [] };
      const now = this.clock.now();
      const sessions = keys.map((key, n) => sessionOn(lanes[n] as Lane, key.sagaId, transaction, now));
      const value = await work(sessions);
      for (const [n, name] of names.entries()) this.lanes.set(name, lanes[n] as Lane);
      for (const draft of transaction.drafts) this.enqueue(draft);
      return value;
    } finally {
      for (const name of names) this.locked.delete(name);
    }
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async waitingLanes(consumer: string, limit: number): Promise<readonly string[]> {
    const names = [...this.lanes].filter(([, { row }]) => row.parked > 0 && row.blockedBy === undefined);
    const keys = names.map(([name]) => JSON.parse(name) as [string, string]);
    return keys
      .filter(([who]) => who === consumer)
      .map(([, sagaId]) => sagaId)
      .slice(0, limit);
  }

  // oxlint-disable-next-line typescript/require-await -- as above
  async waiting(consumer: string, { state, reason, limit = 100 }: WaitingFilter): Promise<readonly WaitingDelivery[]> {
    const found: WaitingDelivery[] = [];
    for (const [name, lane] of this.lanes) {
      const [who, sagaId] = JSON.parse(name) as [string, string];
      if (who !== consumer) continue;
      for (const { key, row } of lane.deliveries.values())
        if (row.state === state && (reason === undefined || row.reason === reason) && isWaiting(row))
          found.push({ ...key, sagaId, row });
    }
    return found.toSorted((one, other) => one.row.ordinal - other.row.ordinal).slice(0, limit);
  }

  add(transaction: MemoryTransaction, drafts: readonly OutboxDraft[]): Promise<void> {
    transaction.drafts.push(...drafts);
    return Promise.resolve();
  }

  async relay(publish: (messages: readonly BrokerMessage[]) => Promise<void>, limit: number): Promise<RelayPass> {
    if (this.relaying) return { sent: 0 };
    this.relaying = true;
    try {
      const nowMs = this.clock.monotonicMs();
      const due = this.queue.filter(({ dueMs }) => dueMs <= nowMs).slice(0, limit);
      if (due.length > 0) await publish(due.map(({ message }) => message));
      const sent = new Set(due);
      this.queue = this.queue.filter((entry) => !sent.has(entry));
      const next = this.queue.reduce((least, { dueMs }) => Math.min(least, dueMs), Infinity);
      return { sent: due.length, nextDueMs: next === Infinity ? undefined : Math.max(0, next - nowMs) };
    } finally {
      this.relaying = false;
    }
  }

  private enqueue({ topic, event, headers = {}, delayMs = 0 }: OutboxDraft): void {
    const name = nameOf(event.source, event.sagaid);
    const sequence = event.sequence ?? (this.sequences.get(name) ?? 0) + 1;
    if (event.sequence === undefined) this.sequences.set(name, sequence);
    const value = encodeEvent({ ...event, sequence });
    const message = { topic, key: event.sagaid, id: event.id, value, headers };
    this.queue.push({ dueMs: this.clock.monotonicMs() + delayMs, message });
  }
}

function laneLike(before: Lane | undefined): Lane {
  return {
    row: before?.row ?? { parked: 0 },
    ordinal: before?.ordinal ?? 0,
    deliveries: new Map(before?.deliveries),
    reactions: new Map(before?.reactions),
  };
}

function isWaiting(row: DeliveryRow): row is DeliveryRow & { readonly event: CloudEvent } {
  return row.event !== undefined;
}

function sessionOn(
  lane: Lane,
  sagaId: string,
  transaction: MemoryTransaction,
  now: number,
): InboxSession<MemoryTransaction> {
  return {
    transaction,
    now,
    lane: lane.row,
    saveLane: async (row) => void (lane.row = row),
    nextOrdinal: async () => ++lane.ordinal,
    delivery: async ({ source, id }) => lane.deliveries.get(nameOf(source, id))?.row,
    saveDelivery: async (key, row) => void lane.deliveries.set(nameOf(key.source, key.id), { key, row }),
    async nextWaiting() {
      const waits = [...lane.deliveries.values()].filter(({ row: { state } }) => state !== 'dead');
      for (const { key, row } of waits.toSorted((one, other) => one.row.ordinal - other.row.ordinal))
        if (isWaiting(row)) return { source: key.source, id: key.id, sagaId, row };
      return undefined;
    },
    reaction: async (name) => lane.reactions.get(name),
    saveReaction: async (name, row) => void lane.reactions.set(name, row),
  };
}

/**
 * An inbox and an outbox in memory, which share their transactions: for tests, and for services whose state is in memory
 * too. They forget everything with the process, and can only roll back their own rows.
 *
 * @param options.clock Default {@link systemClock}.
 * @example
 * const { inbox } = memoryLedger();
 * await inbox.transaction({ consumer: 'stock', sagaId: 'order-7' }, async ({ lane }) => lane.parked) // => 0
 */
export function memoryLedger(options: { readonly clock?: Clock } = {}): MemoryLedger {
  const ledger = new Ledger(options.clock ?? systemClock);
  return { inbox: ledger, outbox: ledger };
}
