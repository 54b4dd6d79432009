import type { Attempt } from '../policy/attempt.ts';
import { failureOutcome } from '../policy/outcome.ts';
import type { Policy } from '../policy/policy.ts';
import { notify } from '../ports/notify.ts';
import { remainingMs } from '../time/deadline.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';
import { sleepMs } from '../time/sleep.ts';
import { decideRetry } from './decide-retry.ts';
import { type AttemptOwner, LimitedAttempt, RetryAttempt } from './retry-attempt.ts';
import type { RetryEvent } from './retry-events.ts';
import { fileReport, remember, type RetryEndReason } from './retry-report.ts';
import type { RetrySettings } from './retry-settings.ts';

/** A function that can be retried. */
export type RetriedFunction<Result> = (attempt: Attempt) => Result | PromiseLike<Result>;

// A function that fails at once, retried with no delay, would keep every timer and socket of the process waiting for as
// long as it has attempts. Every so many retries without a wait the event loop gets its turn.
const retriesBetweenTurns = 16;

let callsObserved = 0;

const nothing: readonly never[] = Object.freeze([]);

/** What is kept of a call once there is something to tell about it. */
class RetryTrace {
  readonly call = ++callsObserved;
  delaysMs: readonly number[] = nothing;
  errors: readonly unknown[] = nothing;
  previousDelayMs: number | undefined = undefined;
  attemptStartedMs = 0;
}

/**
 * One call that is retried: the thin loop around {@link decideRetry}.
 *
 *   begin → attempt → succeeded
 *            ↑   ↓
 *            │ failed → ended: aborted, deadline, guard-open, not-retryable, attempts-exhausted, budget-empty
 *            │   ↓
 *           waiting → ended: aborted, deadline
 */
export class RetryCall<Result> implements AttemptOwner {
  private readonly settings: RetrySettings;
  private readonly fn: RetriedFunction<Result>;
  private readonly signal: AbortSignal | undefined;
  /** The shorter of the call's own deadline and the one that rides on the signal; `undefined` when there is neither. */
  private readonly allowedMs: number | undefined;
  private attempts = 0;
  private attempt: RetryAttempt | undefined = undefined;
  private traced: RetryTrace | undefined = undefined;
  private startedAtMs: number | undefined;

  constructor(settings: RetrySettings, fn: RetriedFunction<Result>, signal?: AbortSignal, startedMs?: number) {
    this.settings = settings;
    this.fn = fn;
    this.signal = signal;
    this.startedAtMs = startedMs;
    this.allowedMs = this.isLimited ? finite(Math.min(settings.deadlineMs, remainingMs(signal))) : undefined;
  }

  // The first attempt stands outside the loop: a call that succeeds at once, as nearly all do, makes no loop.
  begin(): Promise<Result> {
    if (this.isOver) return Promise.reject(this.endOver());
    const { budget, observer } = this.settings;
    budget?.deposit();
    if (this.isLimited || observer !== undefined) this.startTiming();
    const onSuccess = observer === undefined ? undefined : (result: Result): Result => this.succeed(result);
    return this.makeAttempt(1).then(onSuccess, (error: unknown) => this.continueAfter(error));
  }

  private async continueAfter(error: unknown): Promise<Result> {
    this.startTiming();
    const { clock, budget } = this.settings;
    for (let number = 2, failure = error; ; number++) {
      const delayMs = this.prepareRetry(failure);
      if (delayMs > 0 || number % retriesBetweenTurns === 0) {
        try {
          await sleepMs(delayMs, clock, this.signal);
        } catch {
          // It rejects on abort only, which the next line finds.
        }
      }
      if (this.isOver) {
        budget?.giveBack();
        throw this.endOver();
      }
      try {
        return this.succeed(await this.makeAttempt(number));
      } catch (next) {
        failure = next;
      }
    }
  }

  private makeAttempt(number: number): Promise<Result> {
    const { guard, observer } = this.settings;
    const attempt = this.isLimited ? this.limitedAttempt(number) : new RetryAttempt(number, this);
    this.attempt = attempt;
    this.attempts = number;
    if (observer !== undefined) this.tellAttemptStarted(attempt);
    return guard === undefined ? attempt.run(this.fn) : this.runGuarded(attempt, guard);
  }

  private runGuarded(attempt: RetryAttempt, guard: Policy): Promise<Result> {
    return attempt.run(() => guard.execute((call) => this.fn(attempt.within(call)), attempt));
  }

  private get isLimited(): boolean {
    return this.signal !== undefined || this.settings.isTimed;
  }

  private limitedAttempt(number: number): LimitedAttempt {
    const { clock, name, attemptTimeoutMs, deadlineMs } = this.settings;
    const nowMs = clock.monotonicMs();
    // A deadline that rides on the signal needs no timer here: whoever made it aborts the signal.
    const callDueMs = deadlineMs === this.allowedMs ? this.startedMs + deadlineMs : Infinity;
    const dueWithCall = callDueMs <= nowMs + attemptTimeoutMs;
    const makeError = (): unknown => {
      if (dueWithCall) return this.deadlineError();
      const elapsedMs = clock.monotonicMs() - nowMs;
      return new DeadlineExceededError(`attempt ${number} of "${name}"`, { deadlineMs: attemptTimeoutMs, elapsedMs });
    };
    const dueMs = dueWithCall ? callDueMs : nowMs + attemptTimeoutMs;
    return new LimitedAttempt(number, this, { clock, signal: this.signal, dueMs, dueWithCall, makeError });
  }

  /** Takes note of a failed attempt and returns the wait before the next; throws what the call ends with otherwise. */
  private prepareRetry(error: unknown): number {
    const { rules, random, clock, budget, guard, observer } = this.settings;
    const attempt = this.attempt as RetryAttempt;
    const { number, endedBy } = attempt;
    if (endedBy !== 'end-of-call') this.trace.errors = remember(this.trace.errors, error);
    this.tellAttemptEnded(attempt, error);
    // The attempt is over, and the wait may be long.
    this.attempt = undefined;
    const refused = guard !== undefined && !attempt.called;
    if (refused && number > 1) budget?.giveBack();
    if (this.signal?.aborted === true) throw this.endOver();
    if (endedBy === 'end-of-call') throw this.end('deadline', error);
    if (refused && endedBy === 'itself') throw this.end('guard-open', error);

    const { previousDelayMs } = this.trace;
    const failed = { error, number, previousDelayMs, remainingMs: this.remainingMs, now: clock.now() };
    const decision = decideRetry(failed, rules, random);
    if (!decision.retry) {
      if (decision.reason === 'deadline' && this.isOver) throw this.endOver();
      throw this.end(decision.reason, error, decision);
    }
    if (budget?.withdraw() === false) throw this.end('budget-empty', error);
    const { delayMs } = decision;
    this.trace.previousDelayMs = delayMs;
    this.trace.delaysMs = remember(this.trace.delaysMs, delayMs);
    if (observer !== undefined) this.tell({ ...this.facts, type: 'retry.scheduled', attempt: number, delayMs, error });
    return delayMs;
  }

  private get remainingMs(): number {
    const { allowedMs } = this;
    return allowedMs === undefined ? Infinity : this.startedMs + allowedMs - this.settings.clock.monotonicMs();
  }

  private get isOver(): boolean {
    return this.signal?.aborted === true || this.remainingMs <= 0;
  }

  /** Ends a call whose signal has aborted or whose time is up; returns what it rejects with. */
  private endOver(): unknown {
    const { signal } = this;
    if (signal?.aborted !== true) return this.end('deadline', this.deadlineError());
    return this.end(failureOutcome(signal) === 'abort' ? 'aborted' : 'deadline', signal.reason);
  }

  private deadlineError(): DeadlineExceededError {
    const errors = this.traced?.errors ?? [];
    return new DeadlineExceededError(`"${this.settings.name}"`, {
      deadlineMs: this.allowedMs ?? Infinity,
      elapsedMs: this.elapsedMs,
      ...(errors.length > 0 && { cause: errors.at(-1) }),
    });
  }

  /** Files the report of a call that ends without success, and returns what it rejects with. */
  private end(reason: RetryEndReason, error: unknown, cause: { readonly fault?: unknown } = {}): unknown {
    const { elapsedMs } = this;
    const { attempts } = this;
    const { delaysMs, errors } = this.trace;
    const fault = 'fault' in cause && { fault: cause.fault };
    fileReport(error, { attempts, elapsedMs, reason, delaysMs, errors, ...fault });
    this.tell({ ...this.facts, type: 'retry.ended', attempts, elapsedMs, reason, error, ...fault });
    return error;
  }

  private succeed(result: Result): Result {
    if (this.settings.observer === undefined) return result;
    const { attempts } = this;
    const facts = { ...this.facts, elapsedMs: this.elapsedMs };
    const attemptElapsedMs = this.settings.clock.monotonicMs() - this.trace.attemptStartedMs;
    this.tell({
      ...facts,
      type: 'retry.attempt-ended',
      attempt: attempts,
      outcome: 'success',
      elapsedMs: attemptElapsedMs,
    });
    this.tell({ ...facts, type: 'retry.succeeded', attempts });
    return result;
  }

  private tellAttemptStarted({ number: attempt, maxAttempts }: RetryAttempt): void {
    this.trace.attemptStartedMs = this.settings.clock.monotonicMs();
    const delayMs = this.trace.previousDelayMs ?? 0;
    this.tell({ ...this.facts, type: 'retry.attempt-started', attempt, maxAttempts, delayMs });
  }

  private tellAttemptEnded({ number: attempt, endedBy }: RetryAttempt, error: unknown): void {
    if (this.settings.observer === undefined) return;
    const outcome = endedBy === 'end-of-call' ? failureOutcome(this.signal) : 'failure';
    const elapsedMs = this.settings.clock.monotonicMs() - this.trace.attemptStartedMs;
    this.tell({ ...this.facts, type: 'retry.attempt-ended', attempt, outcome, elapsedMs, error });
  }

  private tell(event: RetryEvent): void {
    notify(this.settings.observer, event);
  }

  private get facts(): { readonly call: number; readonly name: string } {
    return { call: this.trace.call, name: this.settings.name };
  }

  private get trace(): RetryTrace {
    return (this.traced ??= new RetryTrace());
  }

  get maxAttempts(): number {
    return this.settings.rules.maxAttempts;
  }

  // A clock reading costs half of what a call that succeeds at once may cost, so it is put off until something in the
  // call has to do with time.
  startTiming(): void {
    this.startedAtMs ??= this.settings.clock.monotonicMs();
  }

  private get startedMs(): number {
    this.startTiming();
    return this.startedAtMs as number;
  }

  private get elapsedMs(): number {
    return this.settings.clock.monotonicMs() - this.startedMs;
  }
}

function finite(ms: number): number | undefined {
  return ms < Infinity ? ms : undefined;
}
