/**
 * Delivers the events of a scope in the order of cause and effect.
 *
 * States of a scope: *flowing* (nothing is held) → an early event → *waiting* → everything came → *flowing*.
 * *Waiting* for `gapTimeout` → the producers are asked to send again, `resendRounds` times → *parked*, for a person.
 * *Parked* → what was missing comes, `retry` or `skip` → *waiting* or *flowing*. `retire` ends any of them.
 */
import { notify } from '../ports/notify.ts';
import { type Alarms, alarmsOf } from '../time/alarms.ts';
import { CausalBook, type CausalEntry, type CausalScopeView, type ParkReason } from './causal-book.ts';
import { type CausalDeliveryOptions, type CausalSettings, resolveCausalOptions } from './causal-delivery-options.ts';
import { type CausalEvent, checkCausalEvent, sequenceOf } from './causal-event.ts';
import type { CausalGap } from './causal-scope.ts';
import { CausalDeliveryClosedError } from './causality-errors.ts';
import { ScopeAlarm } from './scope-alarm.ts';
import { ScopeTurns } from './scope-turns.ts';

/**
 * What became of an event. `refused` alone must not be acknowledged: the buffer has no room to keep it, and it must come
 * again. `retired`: its scope is over.
 */
export type CausalOutcome = 'delivered' | 'held' | 'duplicate' | 'refused' | 'retired';

/** Events in, events out in causal order. */
export interface CausalDelivery {
  /**
   * Takes an event as it arrived. When the promise resolves, what it says is durable; acknowledge the event then, unless
   * it was `refused`. Rejects with what the handler threw, and then the event has not been taken.
   *
   * @throws {TypeError} when the event is malformed.
   */
  accept(event: CausalEvent): Promise<CausalOutcome>;
  view(scope: string): CausalScopeView;
  /** Scopes that wait for a person. */
  parked(): readonly CausalScopeView[];
  /** Goes on with a parked scope: asks again for what is missing, calls the handler again. */
  retry(scope: string): Promise<void>;
  /** Gives up what a scope waits for, as if it had been delivered, and goes on; for a person who has made it good. */
  skip(scope: string): Promise<void>;
  /** The scope is over: forgets its events; late ones are answered `retired` for `retention`. */
  retire(scope: string): Promise<void>;
  /** Ends the handler's signal, waits for what is in hand, and closes the log. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class BufferedDelivery implements CausalDelivery {
  private readonly settings: CausalSettings;
  private readonly book: CausalBook;
  private readonly turns = new ScopeTurns();
  private readonly alarms: Alarms;
  private readonly waits = new Map<string, ScopeAlarm>();
  private readonly stop = new AbortController();
  private closing: Promise<void> | undefined;

  constructor(settings: CausalSettings) {
    this.settings = settings;
    this.book = new CausalBook(settings.retentionMs);
    this.alarms = alarmsOf(settings.clock);
  }

  async start(): Promise<void> {
    await this.settings.log.recover(this.book);
    for (const [key, { scope, parked }] of this.book.scopes) {
      if (parked !== undefined) this.settings.onPark?.(this.book.view(key));
      else if (scope.heldCount > 0) this.wait(key, scope.nextReady() === undefined ? this.settings.gapMs : 0);
    }
  }

  async accept(event: CausalEvent): Promise<CausalOutcome> {
    checkCausalEvent(event);
    return this.inTurn(event.scope, () => this.take(event));
  }

  private async take(event: CausalEvent): Promise<CausalOutcome> {
    const { scope: key } = event;
    if (this.book.isRetired(key)) return 'retired';
    const { scope } = this.book.of(key);
    const arrival = scope.judge(event);
    if (arrival === 'duplicate') return 'duplicate';
    if (arrival === 'early') return this.keep(event);
    await this.settings.deliver(event, { signal: this.stop.signal });
    await this.noteDelivered(key, event);
    await this.drain(key);
    return 'delivered';
  }

  private async keep(event: CausalEvent): Promise<CausalOutcome> {
    const { scope: key, id } = event;
    const { maxEvents, maxBytes, maxTotalBytes, observer, gapMs } = this.settings;
    const { scope } = this.book.of(key);
    const bytes = encoder.encode(JSON.stringify(event)).length;
    const isFull =
      scope.heldCount >= maxEvents || scope.heldBytes + bytes > maxBytes || this.book.heldBytes + bytes > maxTotalBytes;
    if (isFull) {
      notify(observer, { type: 'causality.refused', scope: key, id, held: scope.heldCount });
      return 'refused';
    }
    await this.write([{ type: 'held', key, event, bytes }]);
    notify(observer, { type: 'causality.held', scope: key, id, held: scope.heldCount });
    if (!this.waits.has(key) && this.book.of(key).parked === undefined) this.wait(key, gapMs);
    return 'held';
  }

  /** Delivers what is held and may be delivered now. */
  private async drain(key: string): Promise<void> {
    const { scope } = this.book.of(key);
    const wait = this.waits.get(key);
    for (let event = scope.nextReady(); event !== undefined; event = scope.nextReady()) {
      try {
        await this.settings.deliver(event, { signal: this.stop.signal });
      } catch (error) {
        if (!this.stop.signal.aborted) await this.noteFailure(key, event, error);
        return;
      }
      await this.noteDelivered(key, event);
      if (wait !== undefined) wait.failures = 0;
    }
    this.forgetWait(key);
    if (this.book.of(key).parked !== undefined) await this.write([{ type: 'resumed', key }]);
    if (scope.heldCount > 0) this.wait(key, this.settings.gapMs);
  }

  private noteDelivered(key: string, event: CausalEvent): Promise<void> {
    return this.write([{ type: 'delivered', key, producer: event.producer, count: sequenceOf(event) }]);
  }

  private async noteFailure(key: string, { id }: CausalEvent, error: unknown): Promise<void> {
    const { observer, maxDeliveries, redeliverMs } = this.settings;
    const wait = this.waits.get(key) ?? this.wait(key, redeliverMs);
    const failures = ++wait.failures;
    notify(observer, { type: 'causality.delivery-failed', scope: key, id, failures, error });
    if (failures >= maxDeliveries) await this.park(key, 'delivery-failed');
    else this.wait(key, redeliverMs);
  }

  /** What a scope waited for has not come in time. */
  private async ring(key: string): Promise<void> {
    const wait = this.waits.get(key);
    const booked = this.book.scopes.get(key);
    if (wait === undefined || booked === undefined || booked.parked !== undefined) return;
    if (booked.scope.nextReady() !== undefined) return this.drain(key);
    if (booked.scope.heldCount === 0) return this.forgetWait(key);
    if (wait.rounds >= this.settings.resendRounds) return this.park(key, 'causal-gap');
    wait.rounds++;
    this.wait(key, this.settings.gapMs);
    await this.askAgain(key, booked.scope.gaps(), wait.rounds);
  }

  private async askAgain(key: string, gaps: readonly CausalGap[], round: number): Promise<void> {
    const { resend, observer } = this.settings;
    for (const gap of gaps) {
      notify(observer, { type: 'causality.resend-asked', scope: key, round, ...gap });
      try {
        await resend?.({ scope: key, ...gap }, { signal: this.stop.signal });
      } catch (error) {
        notify(observer, { type: 'causality.resend-failed', scope: key, error });
      }
    }
  }

  private async park(key: string, reason: ParkReason): Promise<void> {
    this.forgetWait(key);
    await this.write([{ type: 'parked', key, reason }]);
    notify(this.settings.observer, { type: 'causality.parked', scope: key, reason });
    this.settings.onPark?.(this.book.view(key));
  }

  view(key: string): CausalScopeView {
    return this.book.view(key);
  }

  parked(): readonly CausalScopeView[] {
    const parked = [...this.book.scopes].filter(([, booked]) => booked.parked !== undefined);
    return parked.map(([key]) => this.book.view(key));
  }

  retry(key: string): Promise<void> {
    return this.inTurn(key, () => this.goOn(key));
  }

  skip(key: string): Promise<void> {
    return this.inTurn(key, async () => {
      const { scope } = this.book.of(key);
      const ready = scope.nextReady();
      // With nothing missing, what the scope waits for is an event that its handler refuses.
      const given = ready === undefined ? scope.gaps() : [{ producer: ready.producer, to: sequenceOf(ready) }];
      const entries = given.map(
        ({ producer, to: count }): CausalEntry => ({ type: 'delivered', key, producer, count }),
      );
      if (entries.length > 0) await this.write(entries);
      await this.goOn(key);
    });
  }

  private async goOn(key: string): Promise<void> {
    const booked = this.book.scopes.get(key);
    if (booked === undefined) return;
    if (booked.parked !== undefined) await this.write([{ type: 'resumed', key }]);
    this.forgetWait(key);
    if (booked.scope.nextReady() !== undefined) return this.drain(key);
    if (booked.scope.heldCount === 0) return;
    this.wait(key, this.settings.gapMs);
    await this.askAgain(key, booked.scope.gaps(), 0);
  }

  retire(key: string): Promise<void> {
    return this.inTurn(key, async () => {
      this.forgetWait(key);
      await this.write([{ type: 'retired', key, at: this.settings.clock.now() }]);
    });
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async finish(): Promise<void> {
    this.stop.abort(new CausalDeliveryClosedError());
    for (const key of this.waits.keys()) this.forgetWait(key);
    await this.turns.settle();
    for (const key of this.waits.keys()) this.forgetWait(key);
    await this.settings.log.close();
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  private async inTurn<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    if (this.closing !== undefined) throw new CausalDeliveryClosedError();
    return this.turns.run(key, work);
  }

  private write(entries: readonly CausalEntry[]): Promise<void> {
    return this.settings.log.append(entries);
  }

  private wait(key: string, delayMs: number): ScopeAlarm {
    let wait = this.waits.get(key);
    if (wait === undefined) {
      wait = new ScopeAlarm(() => {
        // Only the log can fail here; it fails for every later call too, and those reject.
        this.turns.run(key, () => this.ring(key)).catch(ignore);
      });
      this.waits.set(key, wait);
    } else this.alarms.clear(wait);
    this.alarms.set(wait, this.settings.clock.monotonicMs() + delayMs);
    return wait;
  }

  private forgetWait(key: string): void {
    const wait = this.waits.get(key);
    if (wait !== undefined) this.alarms.clear(wait);
    this.waits.delete(key);
  }
}

const encoder = new TextEncoder();

function ignore(): void {}

/**
 * Opens a buffer that hands events to `deliver` in the order of cause and effect, one at a time within a scope, whatever
 * the order in which they arrive. An early event is kept durably and bounded; what it waits for is asked for again after
 * `gapTimeout`, and after `resendRounds` of that the scope is parked for a person.
 *
 * A handler may be called again for the event that was in hand when the process died; `event.id` tells it. Every consumer
 * must be given every event of the scope. Events that do not know of each other come in no particular order.
 *
 * @param options.deliver the handler. Required.
 * @returns the buffer, to be closed.
 * @throws {TypeError} or {RangeError} when an option is missing or out of its bounds. Rejects with what the log says.
 * @see Birman, Schiper, Stephenson, "Lightweight Causal and Atomic Group Multicast", ACM TOCS 9(3), 1991.
 * @example
 * const seen: string[] = [];
 * await using inbox = await openCausalDelivery({ deliver: ({ id }) => void seen.push(id) });
 * const paid = { scope: 'order-1', id: 'paid', producer: 'payments#1', vector: { 'orders#1': 1, 'payments#1': 1 }, payload: {} };
 * await inbox.accept(paid) // => 'held'
 * await inbox.accept({ scope: 'order-1', id: 'placed', producer: 'orders#1', vector: { 'orders#1': 1 }, payload: {} }) // => 'delivered'
 * seen // => ['placed', 'paid']
 */
export async function openCausalDelivery(options: CausalDeliveryOptions): Promise<CausalDelivery> {
  const delivery = new BufferedDelivery(resolveCausalOptions(options));
  await delivery.start();
  return delivery;
}
