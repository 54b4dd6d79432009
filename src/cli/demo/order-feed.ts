import type { Ended } from './messages.ts';
import type { Order } from './order.ts';

interface InFlight {
  readonly order: Order;
  readonly sentMs: number;
}

/**
 * Which orders are sent, acknowledged and ended, kept outside the coordinator: what it has promised is remembered by
 * someone who is not killed.
 */
export class OrderFeed {
  /** Ids whose start was reported durable, also by a coordinator that has died since. */
  readonly acknowledged: Set<string> = new Set();
  /** From the first sending of an order to its outcome, restarts included, in milliseconds. */
  readonly latenciesMs: number[] = [];
  readonly total: number;
  private readonly orders: readonly Order[];
  private readonly window: number;
  private readonly inFlight = new Map<string, InFlight>();
  private sent = 0;
  private firstSentMs = 0;
  private lastEndedMs = 0;

  /** @param window how many orders may be sent and not ended. */
  constructor(orders: readonly Order[], window: number) {
    this.orders = orders;
    this.total = orders.length;
    this.window = window;
  }

  get endedCount(): number {
    return this.latenciesMs.length;
  }

  get isDone(): boolean {
    return this.endedCount === this.total;
  }

  /** From the first order sent to the last that has ended. */
  get elapsedMs(): number {
    return this.endedCount === 0 ? 0 : this.lastEndedMs - this.firstSentMs;
  }

  /** The orders to send now. */
  next(nowMs: number): readonly Order[] {
    if (this.sent === 0) this.firstSentMs = nowMs;
    const batch = this.orders.slice(this.sent, this.sent + Math.max(0, this.window - this.inFlight.size));
    for (const order of batch) this.inFlight.set(order.id, { order, sentMs: nowMs });
    this.sent += batch.length;
    return batch;
  }

  /** The orders that a new coordinator must be sent again: all that have not been seen to end. */
  unfinished(): readonly Order[] {
    return [...this.inFlight.values()].map(({ order }) => order);
  }

  accepted(ids: readonly string[]): void {
    for (const id of ids) this.acknowledged.add(id);
  }

  ended(sagas: readonly Ended[], nowMs: number): void {
    for (const { id } of sagas) {
      const started = this.inFlight.get(id);
      if (started === undefined) continue;
      this.inFlight.delete(id);
      this.latenciesMs.push(nowMs - started.sentMs);
      this.lastEndedMs = nowMs;
    }
  }
}
