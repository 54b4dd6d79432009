import type { Attempt } from '../policy/attempt.ts';
import { type Call, OpenCall } from '../policy/call.ts';
import type { Clock, TimerHandle } from '../ports/clock.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from '../time/abort-hub.ts';
import { attachDeadline, remainingMs } from '../time/deadline.ts';

/** The call an attempt belongs to. */
export interface AttemptOwner {
  readonly maxAttempts: number;
  /** Sees to it that the call knows when it began. */
  startTiming(): void;
}

/** An attempt that nothing ends but itself. */
export class RetryAttempt extends OpenCall implements Attempt {
  readonly number: number;
  private readonly owner: AttemptOwner;
  /** Whether the function was called: a guard may refuse before. */
  called = false;

  constructor(number: number, owner: AttemptOwner) {
    super();
    this.number = number;
    this.owner = owner;
  }

  get maxAttempts(): number {
    return this.owner.maxAttempts;
  }

  get remainingMs(): number {
    return Infinity;
  }

  /** Whether this attempt was ended from outside, and then whether that ends the whole call. */
  get endedBy(): 'itself' | 'attempt-timeout' | 'end-of-call' {
    return 'itself';
  }

  /** The attempt as the function is to see it inside a guard, which may have narrowed the signal. */
  within(call: Call): Attempt {
    this.called = true;
    return call === this ? this : new GuardedAttempt(this, call);
  }

  protected override makeSignal(): AbortSignal {
    this.owner.startTiming();
    return super.makeSignal();
  }

  /** Runs the attempt. */
  run<Result>(start: (attempt: this) => Result | PromiseLike<Result>): Promise<Result> {
    try {
      // A promise of the platform is passed on as it is; a value or a foreign thenable becomes one.
      return Promise.resolve(start(this));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** An attempt with the signal that a guard around it made. */
class GuardedAttempt implements Attempt {
  private readonly attempt: RetryAttempt;
  private readonly call: Call;

  constructor(attempt: RetryAttempt, call: Call) {
    this.attempt = attempt;
    this.call = call;
  }

  get number(): number {
    return this.attempt.number;
  }

  get maxAttempts(): number {
    return this.attempt.maxAttempts;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get remainingMs(): number {
    return Math.min(this.attempt.remainingMs, remainingMs(this.call.signal));
  }
}

/** What may end an attempt from outside. */
export interface AttemptLimits {
  readonly clock: Clock;
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined;
  /** When the attempt's time is up, on the clock; `Infinity` when only the signal may end it. */
  readonly dueMs: number;
  /** Whether the call's time is up then too. */
  readonly dueWithCall: boolean;
  /** Makes the error that ends the attempt when its time is up. */
  makeError(): unknown;
}

/**
 * An attempt that its time-out, the call's deadline or the caller may end. Then it is over at once, whether or not the
 * function heeds its signal: what the function does afterwards changes nothing any more.
 */
export class LimitedAttempt extends RetryAttempt implements AbortWaiter {
  private readonly limits: AttemptLimits;
  private controller: AbortController | undefined;
  private hub: AbortHub | undefined;
  private timer: TimerHandle;
  private reject: (reason: unknown) => void = ignore;
  private interruption: { readonly reason: unknown; readonly endsCall: boolean } | undefined;

  constructor(number: number, owner: AttemptOwner, limits: AttemptLimits) {
    super(number, owner);
    this.limits = limits;
  }

  override get canAbort(): boolean {
    return true;
  }

  override get remainingMs(): number {
    const { clock, dueMs, signal } = this.limits;
    return Math.max(0, Math.min(dueMs - clock.monotonicMs(), remainingMs(signal)));
  }

  override get endedBy(): 'itself' | 'attempt-timeout' | 'end-of-call' {
    if (this.interruption === undefined) return 'itself';
    return this.interruption.endsCall ? 'end-of-call' : 'attempt-timeout';
  }

  override within(call: Call): Attempt {
    // A guard that queues may admit an attempt that is over; the call may have ended, so nothing is to be done any more.
    if (this.interruption !== undefined) throw this.interruption.reason;
    return super.within(call);
  }

  override run<Result>(start: (attempt: this) => Result | PromiseLike<Result>): Promise<Result> {
    const { clock, signal, dueMs } = this.limits;
    return new Promise((resolve, reject) => {
      this.reject = reject;
      if (signal !== undefined) this.hub = waitForAbort(signal, this);
      if (dueMs < Infinity) this.timer = clock.setTimer(dueMs - clock.monotonicMs(), () => this.expire());
      super.run(start).then(
        (result) => {
          this.release();
          resolve(result);
        },
        (error: unknown) => {
          this.release();
          reject(error);
        },
      );
    });
  }

  onAbort(reason: unknown): void {
    this.interrupt(reason, true);
  }

  protected override makeSignal(): AbortSignal {
    const { clock, signal, dueMs } = this.limits;
    if (dueMs === Infinity && signal !== undefined) return signal;
    this.controller = new AbortController();
    attachDeadline(this.controller.signal, { clock, dueMs: clock.monotonicMs() + this.remainingMs });
    if (this.interruption !== undefined) this.controller.abort(this.interruption.reason);
    return this.controller.signal;
  }

  private expire(): void {
    this.interrupt(this.limits.makeError(), this.limits.dueWithCall);
  }

  private interrupt(reason: unknown, endsCall: boolean): void {
    this.interruption = { reason, endsCall };
    this.release();
    // Rejected first: what the function makes of its aborted signal must not replace the reason.
    this.reject(reason);
    this.controller?.abort(reason);
  }

  private release(): void {
    this.hub?.remove(this);
    if (this.timer !== undefined) this.limits.clock.clearTimer(this.timer);
    this.timer = undefined;
  }
}

function ignore(): void {
  // Stands in until the attempt runs.
}
