import { MakegoodError } from '../errors.ts';
import { abortableSignalOf, type Call, type ExecuteOptions } from '../policy/call.ts';
import { type Policy, wrapWith } from '../policy/policy.ts';
import { startNow } from '../policy/start-now.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from '../time/abort-hub.ts';
import type { Alarm, AlarmLink } from '../time/alarm-queue.ts';
import { type Alarms, alarmsOf } from '../time/alarms.ts';
import { type Deadline, deadlineOf } from '../time/deadline.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { CancellableCall } from './cancellable-call.ts';
import { checkFunction, checkInteger, checkMethod, checkText, wrongType } from '../options.ts';
import { type RetryBudget, retryBudget } from './retry-budget.ts';

/** Options of {@link hedge}. */
export interface HedgeOptions {
  /** How long a call may be under way before a second one is made. Good: the p95 of the callee. */
  readonly delay: Duration;
  /**
   * Whether the function may run twice at the same time: a read, or a write that the callee knows again by its
   * idempotency key. With `false` there is never a second call.
   */
  readonly safe: boolean;
  /** How many more calls there may be, each `delay` after the one before. Default 1. */
  readonly maxHedges?: number | undefined;
  /**
   * The allowance that second calls are taken from, for they are load like retries. One that is given is paid for by
   * those it is shared with, such as a retry policy; `false` for none. Default a `retryBudget()` of its own, which every
   * call pays into.
   */
  readonly budget?: RetryBudget | false | undefined;
  /** What the calls are named in events. Default `'hedge'`. */
  readonly name?: string | undefined;
  /** Is told of second calls, see {@link HedgeEvent}. Default: nobody. */
  readonly observer?: Observer<HedgeEvent> | undefined;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock | undefined;
}

/** A further call is made beside those under way. `number` counts from 2: the first call is no hedge. */
export type HedgeSent = { readonly type: 'hedge.sent'; readonly name: string; readonly number: number };

/** No further call was made, though it was time for one: the budget is empty. */
export type HedgeRefused = { readonly type: 'hedge.refused'; readonly name: string };

/** A further call was the first to succeed; the others were aborted. */
export type HedgeWon = { readonly type: 'hedge.won'; readonly name: string; readonly number: number };

/** What the observer of a hedge is told. */
export type HedgeEvent = HedgeSent | HedgeRefused | HedgeWon;

/**
 * Another call was faster, so this one is no longer wanted: the reason with which a hedge aborts the signals of the calls
 * that lost. Nobody is rejected with it.
 *
 * @example
 * new HedgeLostError('page').message // => 'another call of "page" was faster'
 */
export class HedgeLostError extends MakegoodError {
  /** @param name of the hedge. */
  constructor(name: string) {
    super('MAKEGOOD_HEDGE_LOST', `another call of "${name}" was faster`);
  }
}

interface HedgeSettings {
  readonly delayMs: number;
  readonly maxHedges: number;
  readonly budget: RetryBudget | undefined;
  readonly ownsBudget: boolean;
  readonly name: string;
  readonly observer: Observer<HedgeEvent> | undefined;
  readonly clock: Clock;
  readonly alarms: Alarms;
}

class HedgedCall extends CancellableCall {
  private readonly parent: AbortSignal | undefined;

  constructor(parent: AbortSignal | undefined) {
    super();
    this.parent = parent;
  }

  protected override get deadline(): Deadline | undefined {
    return deadlineOf(this.parent);
  }
}

/**
 * The calls that are made for one.
 *
 *   first call → (delay) → first and second → … → one succeeds, the others are aborted
 *                                               → all have failed
 *                                               → the caller leaves
 */
class HedgedRun<Result> implements Alarm, AbortWaiter {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  private readonly settings: HedgeSettings;
  private readonly fn: (call: Call) => Result | PromiseLike<Result>;
  private readonly parent: AbortSignal | undefined;
  private readonly outcome: PromiseWithResolvers<Result> = Promise.withResolvers();
  private readonly calls: HedgedCall[] = [];
  private readonly failures: unknown[] = [];
  private hub: AbortHub | undefined = undefined;

  constructor(
    settings: HedgeSettings,
    fn: (call: Call) => Result | PromiseLike<Result>,
    parent: AbortSignal | undefined,
  ) {
    this.settings = settings;
    this.fn = fn;
    this.parent = parent;
  }

  begin(): Promise<Result> {
    if (this.parent !== undefined) this.hub = waitForAbort(this.parent, this);
    this.send();
    return this.outcome.promise;
  }

  ring(): void {
    const { budget, name, observer } = this.settings;
    if (budget?.withdraw() === false) return notify(observer, { type: 'hedge.refused', name });
    notify(observer, { type: 'hedge.sent', name, number: this.calls.length + 1 });
    this.send();
  }

  onAbort(reason: unknown): void {
    this.outcome.reject(reason);
    this.end(reason);
  }

  private send(): void {
    const { alarms, clock, delayMs, maxHedges } = this.settings;
    const call = new HedgedCall(this.parent);
    this.calls.push(call);
    if (this.calls.length <= maxHedges) alarms.set(this, clock.monotonicMs() + delayMs);
    startNow(this.fn, call).then(
      (result) => this.win(call, result),
      (error: unknown) => this.fail(call, error),
    );
  }

  private win(call: HedgedCall, result: Result): void {
    if (call.endedBy !== undefined) return;
    const { name, observer } = this.settings;
    const number = this.calls.indexOf(call) + 1;
    if (number > 1) notify(observer, { type: 'hedge.won', name, number });
    this.outcome.resolve(result);
    this.calls.splice(number - 1, 1);
    this.end(new HedgeLostError(name));
  }

  private fail(call: HedgedCall, error: unknown): void {
    if (call.endedBy !== undefined) return;
    // The others may still succeed. When all have failed, another at the same time would fare no better: retry waits.
    if (this.failures.push(error) < this.calls.length) return;
    this.outcome.reject(this.failures[0]);
    this.end(error);
  }

  private end(reason: unknown): void {
    this.hub?.remove(this);
    this.settings.alarms.clear(this);
    for (const call of this.calls) call.cancel(reason);
  }
}

class HedgePolicy implements Policy {
  private readonly settings: HedgeSettings;

  constructor(settings: HedgeSettings) {
    this.settings = settings;
  }

  execute<Result>(fn: (call: Call) => Result | PromiseLike<Result>, options?: ExecuteOptions): Promise<Result> {
    const parent = abortableSignalOf(options);
    if (parent?.aborted === true) return Promise.reject(parent.reason);
    if (this.settings.ownsBudget) this.settings.budget?.deposit();
    return new HedgedRun<Result>(this.settings, fn, parent).begin();
  }

  wrap<Args extends readonly unknown[], Result>(
    fn: (call: Call, ...args: Args) => Result | PromiseLike<Result>,
  ): (...args: Args) => Promise<Result> {
    return wrapWith(this, fn);
  }
}

/**
 * Makes a second call when the first takes long, and takes the result of whichever succeeds first; the signals of the
 * others abort. It cuts off the slow tail of a callee whose slowness is bad luck, for a few per cent more load, which a
 * budget bounds.
 *
 * A failure waits for the calls still under way. When all have failed, it rejects with the failure that came first: later
 * ones may be of our own making. It never retries: with one call under way, its failure is final.
 *
 * @param options.delay how long the call before is given.
 * @param options.safe whether the function may run twice at the same time; without `true` there is no second call.
 * @param options.maxHedges further calls in all. Default 1.
 * @param options.budget the allowance they are taken from; `false` for none. Default one of its own.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @see Dean, Barroso, "The Tail at Scale", CACM 56(2), 2013, "Hedged requests".
 * @example
 * await hedge({ delay: '50ms', safe: true }).execute(async () => 'page') // => 'page'
 */
export function hedge(options: HedgeOptions): Policy {
  const { delay, safe, maxHedges = 1, budget, name = 'hedge', observer, clock = systemClock } = options;
  const delayMs = toMs(delay, 'delay');
  if (typeof safe !== 'boolean') {
    throw wrongType('safe', 'true or false (may the function run twice at once?)', safe);
  }
  checkInteger('maxHedges', maxHedges, 0);
  checkMethod('clock', clock, 'setTimer', 'a Clock');
  if (budget !== undefined && budget !== false) checkMethod('budget', budget, 'withdraw', 'a retry budget');
  return new HedgePolicy({
    delayMs,
    maxHedges: safe ? maxHedges : 0,
    budget: budget === false ? undefined : (budget ?? retryBudget({ clock })),
    ownsBudget: budget === undefined,
    name: checkText('name', name),
    observer: checkFunction('observer', observer),
    clock,
    alarms: alarmsOf(clock),
  });
}
