import { type Departure, refused } from '../policy/admission.ts';
import { abortableSignalOf, type ExecuteOptions } from '../policy/call.ts';
import { RefusedError } from '../policy/refused-error.ts';
import type { Clock, TimerHandle } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { remainingMs } from '../time/deadline.ts';
import { type Duration, toPositiveMs } from '../time/duration.ts';
import { checkInteger, checkMethod } from '../options.ts';
import type { QueueEvent } from './guard-events.ts';
import { ObservedGuard, type ObservedGuardOptions } from './observed-guard.ts';
import { afterTaking, isDue, nextTokenMs, tokensAt } from './token-bucket.ts';
import { WaitingLine } from './waiting-line.ts';

/** Options of {@link rateLimiter}. */
export interface RateLimiterOptions extends ObservedGuardOptions<QueueEvent> {
  /** How many calls may be made in each `per`, in the long run. */
  readonly limit: number;
  /** The span of time that `limit` is meant for. Default `'1s'`. */
  readonly per?: Duration | undefined;
  /** How many calls may be made at once after a quiet time. Default `limit`. */
  readonly burst?: number | undefined;
  /** How many calls may wait for their turn, first come, first served. Default 0: none waits. */
  readonly maxQueue?: number | undefined;
  /** What measures the time and waits. Default the system's clock. */
  readonly clock?: Clock | undefined;
}

/** A rate limiter as it stands, as plain data. */
export interface RateLimiterSnapshot {
  /** Calls that could be made at once now. */
  readonly available: number;
  /** Calls that wait for their turn. */
  readonly queued: number;
  /** Time until a call that comes now could be made, behind those that wait, in milliseconds. */
  readonly nextMs: number;
}

/** A rate limiter did not let the call in: it would exceed the rate. `retryAfterMs` tells when it would not. */
export class RateLimitedError extends RefusedError {
  /** @param limiter the limiter's name. */
  constructor(
    limiter: string,
    facts: { readonly limit: number; readonly perMs: number; readonly retryAfterMs: number },
  ) {
    const { limit, perMs, retryAfterMs } = facts;
    const message = `rate limiter "${limiter}" is at its limit of ${limit} in ${perMs} ms; next call in ${Math.ceil(retryAfterMs)} ms`;
    super('MAKEGOOD_RATE_LIMITED', message, { guard: limiter, retryAfterMs });
  }
}

/**
 * Lets calls pass at a bounded rate; {@link rateLimiter} makes one.
 *
 * @example
 * const limiter = rateLimiter({ limit: 10, per: '1s' });
 * limiter.tryEnter();
 * Math.floor(limiter.snapshot().available) // => 9
 */
export class RateLimiter extends ObservedGuard<QueueEvent> {
  private readonly limit: number;
  private readonly perMs: number;
  private readonly intervalMs: number;
  private readonly burst: number;
  private readonly maxQueue: number;
  private readonly clock: Clock;
  private readonly line: WaitingLine = new WaitingLine(() => this.line.length === 0 && this.stopTimer());
  private fullAtMs = -Infinity;
  private timer: TimerHandle;
  private isTimerSet = false;

  constructor(
    rate: { readonly limit: number; readonly perMs: number; readonly burst: number },
    maxQueue: number,
    options: RateLimiterOptions,
  ) {
    super(options.name ?? 'rate limiter', options.observer);
    this.limit = rate.limit;
    this.perMs = rate.perMs;
    this.intervalMs = rate.perMs / rate.limit;
    this.burst = rate.burst;
    this.maxQueue = maxQueue;
    this.clock = checkMethod('clock', options.clock ?? systemClock, 'setTimer', 'a Clock');
  }

  tryEnter(): number {
    // Nobody overtakes those who wait.
    return this.line.length > 0 || !this.take(this.clock.monotonicMs()) ? refused : 0;
  }

  override enter(options?: ExecuteOptions): number | Promise<number> {
    const ticket = this.tryEnter();
    if (ticket >= 0 || this.line.length >= this.maxQueue) return ticket;
    const signal = abortableSignalOf(options);
    // Whose deadline comes before its turn would wait in vain, and take the place of one who would not.
    if (remainingMs(signal) < this.msUntilTurn()) return refused;
    const waiting = this.line.join(signal);
    this.startTimer();
    this.tell({ type: 'guard.queued', name: this.name, queued: this.line.length });
    return waiting;
  }

  leave(_ticket: number, departure: Departure): void {
    if (departure !== 'unused') return;
    this.fullAtMs -= this.intervalMs;
    this.stopTimer();
    this.startTimer();
  }

  override wouldRefuse(delayMs: number): boolean {
    return this.line.length >= this.maxQueue && !isDue(this.msUntilTurn(), delayMs);
  }

  /** How it stands now. */
  snapshot(): RateLimiterSnapshot {
    const tokens = tokensAt(this.fullAtMs, this.clock.monotonicMs(), this.intervalMs, this.burst);
    return { available: Math.max(0, tokens), queued: this.line.length, nextMs: this.msUntilTurn() };
  }

  protected makeRefusal(): RateLimitedError {
    const { limit, perMs } = this;
    return new RateLimitedError(this.name, { limit, perMs, retryAfterMs: this.msUntilTurn() });
  }

  private take(nowMs: number): boolean {
    if (!isDue(nextTokenMs(this.fullAtMs, this.intervalMs, this.burst), nowMs)) return false;
    this.fullAtMs = afterTaking(this.fullAtMs, nowMs, this.intervalMs);
    return true;
  }

  /** Time until the turn of a call that comes now, behind all who wait. */
  private msUntilTurn(): number {
    const nowMs = this.clock.monotonicMs();
    const firstMs = Math.max(0, nextTokenMs(this.fullAtMs, this.intervalMs, this.burst) - nowMs);
    return firstMs + this.line.length * this.intervalMs;
  }

  private admitDue(): void {
    this.isTimerSet = false;
    const nowMs = this.clock.monotonicMs();
    while (this.line.length > 0 && this.take(nowMs)) this.line.admitFirst(0);
    this.startTimer();
  }

  /** One timer, for whoever comes first. Timers may fire early by a fraction: then it is set again for the rest. */
  private startTimer(): void {
    if (this.isTimerSet || this.line.length === 0) return;
    const delayMs = nextTokenMs(this.fullAtMs, this.intervalMs, this.burst) - this.clock.monotonicMs();
    this.timer = this.clock.setTimer(delayMs, () => this.admitDue());
    this.isTimerSet = true;
  }

  private stopTimer(): void {
    if (this.isTimerSet) this.clock.clearTimer(this.timer);
    this.isTimerSet = false;
  }
}

/**
 * Makes a rate limiter, a token bucket: `limit` calls in each `per` in the long run, and up to `burst` of them at once
 * after a quiet time. So in any span of W no more than `burst` + W · `limit` / `per` calls pass. As many as `maxQueue` wait
 * for their turn, first come, first served; the rest are refused at once with a {@link RateLimitedError} that tells when
 * to come back. Who waits is never refused later: it is admitted, or its own signal ends the wait. A call whose deadline
 * comes before its turn is refused instead of waiting in vain.
 *
 * @param options.limit calls in each `per`, 1 or more.
 * @param options.per Default `'1s'`.
 * @param options.burst calls at once after a quiet time, 1 or more. Default `limit`.
 * @param options.maxQueue calls that may wait, 0 or more. Default 0.
 * @param options.name what it protects; in errors and events. Default `'rate limiter'`.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @example
 * const search = rateLimiter({ name: 'search', limit: 1, per: '1h' });
 * await search.execute(() => 'found') // => 'found'
 * await search.execute(() => 'found').catch((error) => error.code) // => 'MAKEGOOD_RATE_LIMITED'
 */
export function rateLimiter(options: RateLimiterOptions): RateLimiter {
  const { limit, per = '1s', maxQueue = 0 } = options;
  checkInteger('limit', limit, 1);
  const perMs = toPositiveMs(per, 'per');
  const { burst = limit } = options;
  checkInteger('burst', burst, 1);
  checkInteger('maxQueue', maxQueue, 0);
  return new RateLimiter({ limit, perMs, burst }, maxQueue, options);
}
