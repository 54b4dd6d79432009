import type { Clock } from '../ports/clock.ts';
import { remainingMs } from '../time/deadline.ts';
import type { RetrySettings } from './retry-settings.ts';

/** What a retried call knows of time: when it began, and when it must be over. */
export abstract class CallTiming {
  protected readonly settings: RetrySettings;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** The shorter of the call's own deadline and the one that rides on the signal; `undefined` when there is neither. */
  protected readonly allowedMs: number | undefined;
  private startedAtMs: number | undefined;

  constructor(settings: RetrySettings, signal: AbortSignal | undefined, startedMs: number | undefined) {
    this.settings = settings;
    this.signal = signal;
    this.startedAtMs = startedMs;
    this.allowedMs = this.isLimited ? finite(Math.min(settings.deadlineMs, remainingMs(signal))) : undefined;
  }

  get clock(): Clock {
    return this.settings.clock;
  }

  protected get isLimited(): boolean {
    return this.signal !== undefined || this.settings.isTimed;
  }

  protected get isOver(): boolean {
    if (this.signal?.aborted === true) return true;
    return this.allowedMs !== undefined && this.settings.clock.monotonicMs() >= this.dueMs;
  }

  /** When the call's time is up, whoever set the limit. */
  protected get dueMs(): number {
    return this.allowedMs === undefined ? Infinity : this.startedMs + this.allowedMs;
  }

  /** When this call has to end itself: whoever made a deadline that rides on the signal aborts the signal. */
  protected get callDueMs(): number {
    const { deadlineMs } = this.settings;
    return deadlineMs === this.allowedMs ? this.startedMs + deadlineMs : Infinity;
  }

  // A clock reading costs half of what a call that succeeds at once may cost, so it is put off until something in the
  // call has to do with time.
  startTiming(): void {
    this.startedAtMs ??= this.settings.clock.monotonicMs();
  }

  protected get startedMs(): number {
    this.startTiming();
    return this.startedAtMs as number;
  }

  protected get elapsedMs(): number {
    return this.settings.clock.monotonicMs() - this.startedMs;
  }
}

function finite(ms: number): number | undefined {
  return ms < Infinity ? ms : undefined;
}
