import type { Outcome } from '../policy/outcome.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { RetryEvent } from './retry-events.ts';

let callsObserved = 0;

/** An event without what all events of a call share. */
type Told<Event> = Event extends RetryEvent ? Omit<Event, 'call' | 'name'> : never;

/** Tells an observer what happens to one call; a call that nobody observes has none. */
export class RetryNarrator {
  private readonly observer: Observer<RetryEvent>;
  private readonly clock: Clock;
  private readonly call: number = ++callsObserved;
  private readonly name: string;
  private attemptStartedMs = 0;

  constructor(observer: Observer<RetryEvent>, clock: Clock, name: string) {
    this.observer = observer;
    this.clock = clock;
    this.name = name;
  }

  attemptStarted(attempt: number, maxAttempts: number, delayMs: number): void {
    this.attemptStartedMs = this.clock.monotonicMs();
    this.tell({ type: 'retry.attempt-started', attempt, maxAttempts, delayMs });
  }

  /** @param failure what it threw, if it did. */
  attemptEnded(attempt: number, outcome: Outcome, failure?: { readonly error: unknown }): void {
    const elapsedMs = this.clock.monotonicMs() - this.attemptStartedMs;
    this.tell({ type: 'retry.attempt-ended', attempt, outcome, elapsedMs, ...failure });
  }

  tell(event: Told<RetryEvent>): void {
    notify(this.observer, { ...event, call: this.call, name: this.name });
  }
}
