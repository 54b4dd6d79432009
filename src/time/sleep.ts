import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from './abort-hub.ts';
import type { Alarm, AlarmLink } from './alarm-queue.ts';
import { type Alarms, alarmsOf } from './alarms.ts';
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
    if (signal?.aborted === true) return reject(signal.reason as Error);
    new Sleeper(alarmsOf(clock), resolve, reject).start(delayMs, clock, signal);
  });
}

/** One who sleeps and can be woken by an abort. */
class Sleeper implements Alarm, AbortWaiter {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  private hub: AbortHub | undefined = undefined;
  private readonly alarms: Alarms;
  private readonly resolve: () => void;
  private readonly reject: (reason: unknown) => void;

  constructor(alarms: Alarms, resolve: () => void, reject: (reason: unknown) => void) {
    this.alarms = alarms;
    this.resolve = resolve;
    this.reject = reject;
  }

  start(delayMs: number, clock: Clock, signal: AbortSignal | undefined): void {
    if (signal !== undefined) this.hub = waitForAbort(signal, this);
    if (delayMs > 0) this.alarms.set(this, clock.monotonicMs() + delayMs);
    else clock.soon(() => this.ring());
  }

  ring(): void {
    this.hub?.remove(this);
    this.resolve();
  }

  onAbort(reason: unknown): void {
    this.alarms.clear(this);
    this.reject(reason);
  }
}
