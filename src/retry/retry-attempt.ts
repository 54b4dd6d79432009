import { CancellableCall } from '../guards/cancellable-call.ts';
import type { Attempt } from '../policy/attempt.ts';
import { type Call, OpenCall } from '../policy/call.ts';
import type { Clock } from '../ports/clock.ts';
import { type Deadline, remainingMs } from '../time/deadline.ts';

/** The call an attempt belongs to. */
export interface AttemptOwner {
  readonly maxAttempts: number;
  readonly clock: Clock;
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined;
  /** Sees to it that the call knows when it began. */
  startTiming(): void;
}

/** An attempt as the loop runs it. */
export interface RunningAttempt extends Attempt {
  /** Whether the function was called: a guard may refuse before. */
  called: boolean;
  /** The ticket it entered the admission guards with; below 0 when there are none. */
  ticket: number;
  /** What ended it before the function did, if something has. */
  readonly endedBy: { readonly reason: unknown } | undefined;
}

/** An attempt that nothing ends but itself. */
export class OpenAttempt extends OpenCall implements RunningAttempt {
  readonly number: number;
  called = false;
  ticket = -1;
  private readonly owner: AttemptOwner;

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

  get endedBy(): undefined {
    return undefined;
  }

  protected override makeSignal(): AbortSignal {
    this.owner.startTiming();
    return super.makeSignal();
  }
}

/**
 * An attempt that its time-out, the call's deadline or the caller may end. Then it is over at once, whether or not the
 * function heeds its signal: what the function does afterwards changes nothing any more.
 */
export class LimitedAttempt extends CancellableCall implements RunningAttempt {
  readonly number: number;
  called = false;
  ticket = -1;
  /** When its time is up, on the clock; `Infinity` when only the signal may end it. */
  readonly dueMs: number;
  private readonly owner: AttemptOwner;

  constructor(number: number, owner: AttemptOwner, dueMs: number) {
    super();
    this.number = number;
    this.owner = owner;
    this.dueMs = dueMs;
  }

  get maxAttempts(): number {
    return this.owner.maxAttempts;
  }

  get remainingMs(): number {
    const { clock, signal } = this.owner;
    return Math.max(0, Math.min(this.dueMs - clock.monotonicMs(), remainingMs(signal)));
  }

  protected override get deadline(): Deadline {
    const { clock } = this.owner;
    return { clock, dueMs: clock.monotonicMs() + this.remainingMs };
  }

  protected override makeSignal(): AbortSignal {
    const { signal } = this.owner;
    return this.dueMs === Infinity && signal !== undefined ? signal : super.makeSignal();
  }
}

/** The attempt as the function is to see it inside a guard, which may have narrowed the signal. */
export function attemptWithin(attempt: RunningAttempt, call: Call): Attempt {
  // A guard that queues may admit an attempt that is over; the call may have ended, so nothing is to be done any more.
  if (attempt.endedBy !== undefined) throw attempt.endedBy.reason;
  attempt.called = true;
  return call === attempt ? attempt : new GuardedAttempt(attempt, call);
}

/** An attempt with the signal that a guard around it made. */
class GuardedAttempt implements Attempt {
  private readonly attempt: Attempt;
  private readonly call: Call;

  constructor(attempt: Attempt, call: Call) {
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
