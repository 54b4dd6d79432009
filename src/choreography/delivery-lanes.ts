/**
 * Messages in hand, one lane a key. A lane is
 *
 *   idle ──offer──► ready ──room among the running──► running ──done, dead──► ready, or idle when nothing is left
 *                     ▲                                  │
 *                     └────────── time is up ── resting ◄┘ again
 *
 * so one key's messages come in order and one at a time, and one that rests holds back nobody else.
 */
import type { Clock } from '../ports/clock.ts';
import { sleepMs } from '../time/sleep.ts';
import { type BrokerMessage, type DeliveryHandler, targetHeader, type Verdict } from './broker.ts';

/** A message that was taken from the broker; `place` is what its adapter acknowledges it by. */
interface Held<Place> {
  readonly message: BrokerMessage;
  readonly place: Place;
  deliveries: number;
}

interface Lane<Place> {
  readonly key: string;
  readonly held: Held<Place>[];
}

/** What lanes work with. */
export interface LanesOptions<Place> {
  readonly group: string;
  readonly handle: DeliveryHandler;
  readonly concurrency: number;
  readonly window: number;
  readonly watching: boolean;
  readonly clock: Clock;
  /** The message is dealt with: acknowledge it. */
  readonly settle: (place: Place) => void;
  /** Makes a dead letter durable. Its rejection keeps the message, and its lane, where they are. */
  readonly bury: (held: Held<Place>, reason: { readonly reason: string; readonly detail?: string }) => Promise<void>;
  /** Told what a handler or a burial threw. */
  readonly fault: (error: unknown, message: BrokerMessage) => void;
}

// A handler that throws has not judged its message; it comes back after a while that neither spins nor starves.
const pauseAfterFaultMs = 1000;

const done: Verdict = Object.freeze({ verdict: 'done' });

/** Deals with messages in the order of their keys, some keys at a time, and never holds more than its window. */
export class DeliveryLanes<Place> {
  private readonly options: LanesOptions<Place>;
  private readonly lanes = new Map<string, Lane<Place>>();
  private readonly ready: Lane<Place>[] = [];
  private readonly stopping = new AbortController();
  private readonly waiting: (() => void)[] = [];
  private readonly running = new Set<Promise<void>>();
  private held = 0;
  private stopped = false;

  constructor(options: LanesOptions<Place>) {
    this.options = options;
  }

  /** Messages that were taken and are not dealt with. */
  get taken(): number {
    return this.held;
  }

  /** Whether another message may be taken. */
  get hasRoom(): boolean {
    return this.held < this.options.window && !this.stopped;
  }

  /** Resolves when another message may be taken, or the lanes were stopped. */
  room(): Promise<void> {
    if (this.hasRoom || this.stopped) return Promise.resolve();
    return new Promise((resolve) => void this.waiting.push(resolve));
  }

  /** Takes a message; it is started as soon as its key and the others allow. */
  offer(message: BrokerMessage, place: Place, deliveries: number): void {
    if (this.stopped) return;
    this.held++;
    const lane = this.lanes.get(message.key) ?? { key: message.key, held: [] };
    lane.held.push({ message, place, deliveries });
    if (lane.held.length > 1) return;
    this.lanes.set(message.key, lane);
    this.ready.push(lane);
    this.startReady();
  }

  /** Forgets messages that have not begun and are another's now. */
  drop(isLost: (place: Place) => boolean): void {
    for (const lane of this.lanes.values()) {
      const [first, ...rest] = lane.held;
      const kept = rest.filter(({ place }) => !isLost(place));
      this.held -= rest.length - kept.length;
      if (first !== undefined) lane.held.splice(0, Infinity, first, ...kept);
    }
    this.wakeWaiting();
  }

  /** Starts nothing more; resolves when what runs has ended. What had not begun is dropped, for the broker to give again. */
  async stop({ abort = false }: { readonly abort?: boolean } = {}): Promise<void> {
    this.stopped = true;
    this.wakeWaiting();
    this.ready.length = 0;
    if (abort) this.stopping.abort(new DOMException('the consumer has stopped', 'AbortError'));
    await Promise.all(this.running);
    if (!abort) this.stopping.abort(new DOMException('the consumer has stopped', 'AbortError'));
    this.lanes.clear();
    this.held = 0;
  }

  private startReady(): void {
    while (!this.stopped && this.running.size < this.options.concurrency) {
      const lane = this.ready.shift();
      if (lane === undefined) return;
      const run = this.run(lane).finally(() => {
        this.running.delete(run);
        this.startReady();
      });
      this.running.add(run);
    }
  }

  private async run(lane: Lane<Place>): Promise<void> {
    const held = lane.held[0];
    if (held === undefined) return;
    const verdict = await this.judge(held);
    if (verdict.verdict === 'again') return this.rest(lane, held, verdict.afterMs);
    if (!this.stopped) this.leave(lane);
    // Also when the lanes were stopped meanwhile: what was dealt with shall not come again.
    this.options.settle(held.place);
    this.wakeWaiting();
  }

  private leave(lane: Lane<Place>): void {
    lane.held.shift();
    this.held--;
    if (lane.held.length > 0) this.ready.push(lane);
    else this.lanes.delete(lane.key);
  }

  private async judge(held: Held<Place>): Promise<Verdict> {
    const { message, deliveries } = held;
    const { group, handle, watching, bury, fault } = this.options;
    const target = message.headers?.[targetHeader];
    if (target !== undefined && target !== group && !watching) return done;
    try {
      const verdict = await handle({ message, deliveries, signal: this.stopping.signal });
      if (verdict.verdict === 'dead') await bury(held, verdict);
      return verdict;
    } catch (error) {
      if (!this.stopped) fault(error, message);
      return { verdict: 'again', afterMs: pauseAfterFaultMs };
    }
  }

  /** Not awaited by who runs the lane: a resting message takes no place among the running. */
  private rest(lane: Lane<Place>, held: Held<Place>, afterMs: number): void {
    held.deliveries++;
    sleepMs(afterMs, this.options.clock, this.stopping.signal).then(
      () => {
        this.ready.push(lane);
        this.startReady();
      },
      () => undefined,
    );
  }

  private wakeWaiting(): void {
    if (!this.hasRoom && !this.stopped) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
