import type { Clock, TimerHandle } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from './abort-hub.ts';
import { type Duration, toMs } from './duration.ts';

/** Options of {@link sleep}. */
export interface SleepOptions {
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock;
  /** Ends the sleep at once; it then rejects with `signal.reason`. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits. An abort ends it at once, and neither a timer nor a listener is left behind, however it ends.
 *
 * @param delay how long. 0 lets the event loop turn once and sets no timer. Any length is honoured, beyond 2^31 ms too.
 * @returns a promise that rejects with `signal.reason`, untouched, when the signal has aborted or does.
 * @throws {TypeError} or {RangeError} at once when `delay` is no duration.
 * @example
 * await sleep('1ms') // => undefined
 */
export function sleep(delay: Duration, options: SleepOptions = {}): Promise<void> {
  const { clock = systemClock, signal } = options;
  return sleepMs(toMs(delay, 'delay'), clock, signal);
}

/** {@link sleep} for those who have checked their delay already. */
export function sleepMs(delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal === undefined) startTimer(delayMs, clock, resolve);
    else if (signal.aborted) reject(signal.reason as Error);
    else new Sleeper(clock, resolve, reject).start(delayMs, signal);
  });
}

function startTimer(delayMs: number, clock: Clock, callback: () => void): TimerHandle {
  if (delayMs > 0) return clock.setTimer(delayMs, callback);
  clock.soon(callback);
  return undefined;
}

/** One who sleeps and can be woken by an abort. */
class Sleeper implements AbortWaiter {
  private hub: AbortHub | undefined;
  private timer: TimerHandle;
  private readonly clock: Clock;
  private readonly resolve: () => void;
  private readonly reject: (reason: unknown) => void;

  constructor(clock: Clock, resolve: () => void, reject: (reason: unknown) => void) {
    this.clock = clock;
    this.resolve = resolve;
    this.reject = reject;
  }

  start(delayMs: number, signal: AbortSignal): void {
    this.hub = waitForAbort(signal, this);
    this.timer = startTimer(delayMs, this.clock, () => this.wake());
  }

  private wake(): void {
    this.hub?.remove(this);
    this.resolve();
  }

  onAbort(reason: unknown): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.reject(reason);
  }
}
