import type { Outcome } from '../policy/outcome.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { RetryEvent } from './retry-events.ts';
import type { RetryReport } from './retry-report.ts';

let callsObserved = 0;

/** Tells an observer what happens to one call; a call that nobody observes has none. */
export class RetryNarrator {
  private readonly observer: Observer<RetryEvent>;
  private readonly clock: Clock;
  private readonly facts: { readonly call: number; readonly name: string };
  private attemptStartedMs = 0;

  constructor(observer: Observer<RetryEvent>, clock: Clock, name: string) {
    this.observer = observer;
    this.clock = clock;
    this.facts = { call: ++callsObserved, name };
  }

  attemptStarted(attempt: number, maxAttempts: number, delayMs: number): void {
    this.attemptStartedMs = this.clock.monotonicMs();
    notify(this.observer, { ...this.facts, type: 'retry.attempt-started', attempt, maxAttempts, delayMs });
  }

  attemptFailed(attempt: number, outcome: Outcome, error: unknown): void {
    const elapsedMs = this.clock.monotonicMs() - this.attemptStartedMs;
    notify(this.observer, { ...this.facts, type: 'retry.attempt-ended', attempt, outcome, elapsedMs, error });
  }

  scheduled(attempt: number, delayMs: number, error: unknown): void {
    notify(this.observer, { ...this.facts, type: 'retry.scheduled', attempt, delayMs, error });
  }

  succeeded(attempt: number, elapsedMs: number): void {
    const attemptMs = this.clock.monotonicMs() - this.attemptStartedMs;
    const outcome = 'success';
    notify(this.observer, { ...this.facts, type: 'retry.attempt-ended', attempt, outcome, elapsedMs: attemptMs });
    notify(this.observer, { ...this.facts, type: 'retry.succeeded', attempts: attempt, elapsedMs });
  }

  ended(error: unknown, { attempts, elapsedMs, reason, ...rest }: RetryReport): void {
    const fault = 'fault' in rest && { fault: rest.fault };
    notify(this.observer, { ...this.facts, type: 'retry.ended', attempts, elapsedMs, reason, error, ...fault });
  }
}
