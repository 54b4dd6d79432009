import type { Attempt } from '../policy/attempt.ts';
import { failureOutcome } from '../policy/outcome.ts';
import type { Policy } from '../policy/policy.ts';
import { startNow } from '../policy/start-now.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from '../time/abort-hub.ts';
import type { Alarm, AlarmLink } from '../time/alarm-queue.ts';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';
import { CallTiming } from './call-timing.ts';
import { decideRetry } from './decide-retry.ts';
import { type AttemptOwner, attemptWithin, LimitedAttempt, OpenAttempt, type RunningAttempt } from './retry-attempt.ts';
import { type FailedAttemptRecord, remember } from './retry-history.ts';
import { RetryNarrator } from './retry-narrator.ts';
import { fileEnding, type RetryEndReason } from './retry-report.ts';
import type { RetrySettings } from './retry-settings.ts';

/** A function that can be retried. */
export type RetriedFunction<Result> = (attempt: Attempt) => Result | PromiseLike<Result>;

// A function that fails at once, retried with no delay, would keep every timer and socket of the process waiting for as
// long as it has attempts. Every so many retries without a wait the event loop gets its turn.
const retriesBetweenTurns = 16;

/**
 * One call that is retried: the thin loop around {@link decideRetry}.
 *
 *   begin → attempt → succeeded
 *            ↑   ↓
 *            │ failed → ended: aborted, deadline, guard-open, not-retryable, attempts-exhausted, budget-empty
 *            │   ↓
 *           waiting → ended: aborted, deadline
 *
 * It is no async function, for 100,000 calls may be waiting at once: what waits is this one object, which the clock and
 * the caller's signal are told to wake.
 */
export class RetryCall<Result> extends CallTiming implements AttemptOwner, Alarm, AbortWaiter {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  private readonly fn: RetriedFunction<Result>;
  private readonly narrator: RetryNarrator | undefined;
  private hub: AbortHub | undefined = undefined;
  private attempts = 0;
  /** The attempt under way; `undefined` while the call waits, and when it is over. */
  private attempt: RunningAttempt | undefined = undefined;
  private isWaiting = false;
  private failures: FailedAttemptRecord | undefined = undefined;
  private resolve: (result: Result) => void = ignore;
  private reject: (error: unknown) => void = ignore;

  constructor(settings: RetrySettings, fn: RetriedFunction<Result>, signal?: AbortSignal, startedMs?: number) {
    super(settings, signal, startedMs);
    const { observer, clock, name } = settings;
    this.fn = fn;
    this.narrator = observer === undefined ? undefined : new RetryNarrator(observer, clock, name);
  }

  begin(): Promise<Result> {
    if (this.isOver) return Promise.reject(this.end(...this.overReason()));
    const { budget, admission, guard } = this.settings;
    budget?.deposit();
    if (this.isLimited || this.narrator !== undefined) this.startTiming();
    else if (admission === undefined && guard === undefined) return this.beginOpen();
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      if (this.signal !== undefined) this.hub = waitForAbort(this.signal, this);
      this.start(1);
    });
  }

  // What most calls are: nothing but the function itself ends the first attempt, so nothing need be ready to end it.
  private beginOpen(): Promise<Result> {
    const attempt = this.open(1);
    attempt.called = true;
    return startNow(this.fn, attempt).then(undefined, (error: unknown) => {
      return new Promise((resolve, reject) => {
        this.resolve = resolve;
        this.reject = reject;
        this.fail(attempt, error);
      });
    });
  }

  private open(number: number): RunningAttempt {
    const attempt = this.isLimited ? this.limitedAttempt(number) : new OpenAttempt(number, this);
    this.attempts = number;
    this.attempt = attempt;
    return attempt;
  }

  private start(number: number): void {
    const { admission } = this.settings;
    const attempt = this.open(number);
    this.narrator?.attemptStarted(number, this.maxAttempts, this.failures?.delayMs ?? 0);
    if (admission === undefined) return this.call(attempt);
    const ticket = admission.enter(attempt);
    if (typeof ticket === 'number') return this.enter(attempt, ticket);
    ticket.then(
      (late) => this.enter(attempt, late),
      (error: unknown) => this.fail(attempt, error),
    );
  }

  private enter(attempt: RunningAttempt, ticket: number): void {
    const { admission } = this.settings;
    if (ticket < 0) return this.fail(attempt, admission?.refusal());
    if (attempt !== this.attempt) return admission?.leave(ticket, 'unused');
    attempt.ticket = ticket;
    this.call(attempt);
  }

  private call(attempt: RunningAttempt): void {
    const { guard } = this.settings;
    // The observer was told that it begins, and may have aborted.
    if (attempt !== this.attempt) return;
    attempt.called = guard === undefined;
    const started = guard === undefined ? startNow(this.fn, attempt) : this.callGuarded(attempt, guard);
    started.then(
      (result) => this.succeed(attempt, result),
      (error: unknown) => this.fail(attempt, error),
    );
  }

  private callGuarded(attempt: RunningAttempt, guard: Policy['execute']): Promise<Result> {
    return startNow(() => guard((call) => this.fn(attemptWithin(attempt, call)), attempt), attempt);
  }

  private limitedAttempt(number: number): LimitedAttempt {
    const { attemptTimeoutMs, isTimed, alarms } = this.settings;
    if (!isTimed) return new LimitedAttempt(number, this, Infinity);
    const nowMs = number === 1 ? this.startedMs : this.clock.monotonicMs();
    const dueMs = Math.min(this.callDueMs, nowMs + attemptTimeoutMs);
    if (dueMs < Infinity) alarms.set(this, dueMs);
    return new LimitedAttempt(number, this, dueMs);
  }

  private succeed(attempt: RunningAttempt, result: Result): void {
    // What an attempt does after it was ended from outside changes nothing any more.
    if (attempt !== this.attempt) return;
    if (attempt.ticket >= 0) this.settings.admission?.leave(attempt.ticket, 'success');
    this.letGo();
    this.tellSuccess(attempt.number);
    this.resolve(result);
  }

  private tellSuccess(attempts: number): void {
    if (this.narrator === undefined) return;
    this.narrator.attemptEnded(attempts, 'success');
    this.narrator.tell({ type: 'retry.succeeded', attempts, elapsedMs: this.elapsedMs });
  }

  /** The time is up: of the wait, of the attempt, or of the whole call. */
  ring(): void {
    const attempt = this.attempt as LimitedAttempt | undefined;
    if (attempt === undefined) return this.goOn();
    const dueWithCall = this.callDueMs <= attempt.dueMs;
    const error = dueWithCall ? this.deadlineError() : this.attemptError(attempt);
    this.interrupt(attempt, error, dueWithCall);
  }

  onAbort(reason: unknown): void {
    if (this.attempt !== undefined) this.interrupt(this.attempt, reason, true);
    else this.goOn();
  }

  private interrupt(attempt: RunningAttempt, reason: unknown, endsCall: boolean): void {
    this.attempt = undefined;
    (attempt as LimitedAttempt).cancel(reason);
    this.judge(attempt, reason, endsCall);
  }

  private fail(attempt: RunningAttempt, error: unknown): void {
    if (attempt !== this.attempt) return;
    this.attempt = undefined;
    this.judge(attempt, error, false);
  }

  /** Takes note of a failed attempt; waits for the next, or ends the call. */
  private judge(attempt: RunningAttempt, error: unknown, endsCall: boolean): void {
    const { budget, admission, alarms, clock, random, rules } = this.settings;
    const { number, called, ticket } = attempt;
    const isOwnEnd = attempt.endedBy === undefined;
    alarms.clear(this);
    if (ticket >= 0) admission?.leave(ticket, isOwnEnd ? failureOutcome(this.signal, error) : this.cutOutcome, error);
    this.narrator?.attemptEnded(number, endsCall ? this.cutOutcome : 'failure', { error });
    const previousDelayMs = this.failures?.delayMs;
    if (!endsCall) this.failures = remember(error, number, this.failures);
    if (!called && number > 1) budget?.giveBack();
    if (this.signal?.aborted === true) return this.finish(...this.overReason());
    if (endsCall) return this.finish('deadline', error);
    if (!called && isOwnEnd) return this.finish('guard-open', error);

    this.startTiming();
    const nowMs = clock.monotonicMs();
    const leftMs = this.dueMs - nowMs;
    const failed = { error, number, previousDelayMs, remainingMs: leftMs, now: clock.now() };
    const decision = decideRetry(failed, rules, random);
    if (!decision.retry) {
      if (decision.reason === 'deadline' && leftMs <= 0) return this.finish(...this.overReason());
      return this.finish(decision.reason, error, decision);
    }
    const { delayMs } = decision;
    if (admission?.wouldRefuse(delayMs) === true) return this.finish('guard-open', error);
    if (budget?.withdraw() === false) return this.finish('budget-empty', error);
    (this.failures as FailedAttemptRecord).delayMs = delayMs;
    this.narrator?.tell({ type: 'retry.scheduled', attempt: number, delayMs, error });
    this.isWaiting = true;
    // The caller's own functions, asked above, may have aborted.
    if (this.isOver) this.goOn();
    else if (delayMs > 0) alarms.set(this, nowMs + delayMs);
    else if (number % retriesBetweenTurns === 0) clock.soon(() => this.goOn());
    else this.goOn();
  }

  /** The wait is over, by its time or by an abort. */
  private goOn(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    if (!this.isOver) return this.start(this.attempts + 1);
    this.settings.budget?.giveBack();
    this.finish(...this.overReason());
  }

  private finish(reason: RetryEndReason, error: unknown, cause: { readonly fault?: unknown } = {}): void {
    this.letGo();
    this.reject(this.end(reason, error, cause));
  }

  /** Files the report of a call that ends without success, and returns what it rejects with. */
  private end(reason: RetryEndReason, error: unknown, cause: { readonly fault?: unknown } = {}): unknown {
    const { attempts, elapsedMs, failures } = this;
    const facts = { attempts, elapsedMs, reason, ...('fault' in cause && { fault: cause.fault }) };
    fileEnding(error, { ...facts, failures });
    this.narrator?.tell({ type: 'retry.ended', ...facts, error });
    return error;
  }

  /** How a call ends whose signal has aborted or whose time is up. */
  private overReason(): [RetryEndReason, unknown] {
    const { signal } = this;
    if (signal?.aborted !== true) return ['deadline', this.deadlineError()];
    return [this.cutOutcome === 'abort' ? 'aborted' : 'deadline', signal.reason];
  }

  /** What an attempt counts as that was cut off: nobody's fault when the caller has left, and the callee's otherwise. */
  private get cutOutcome(): 'failure' | 'abort' {
    return failureOutcome(this.signal);
  }

  private attemptError(attempt: LimitedAttempt): DeadlineExceededError {
    const { name, attemptTimeoutMs: deadlineMs, clock } = this.settings;
    const elapsedMs = clock.monotonicMs() - (attempt.dueMs - deadlineMs);
    return new DeadlineExceededError(`attempt ${attempt.number} of "${name}"`, { deadlineMs, elapsedMs });
  }

  private deadlineError(): DeadlineExceededError {
    const { failures } = this;
    return new DeadlineExceededError(`"${this.settings.name}"`, {
      deadlineMs: this.allowedMs ?? Infinity,
      elapsedMs: this.elapsedMs,
      ...(failures !== undefined && { cause: failures.error }),
    });
  }

  private letGo(): void {
    this.attempt = undefined;
    this.hub?.remove(this);
    this.settings.alarms.clear(this);
  }

  get maxAttempts(): number {
    return this.settings.rules.maxAttempts;
  }
}

function ignore(): void {
  // Stands in until somebody waits for the result.
}
