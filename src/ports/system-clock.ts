import type { Clock, TimerHandle } from './clock.ts';

// setTimeout takes a signed 32-bit delay and fires a longer one after 1 ms (HTML "timers", Node ERR_TIMEOUT_OVERFLOW).
const longestDelayMs = 2 ** 31 - 1;

/** A timer longer than one `setTimeout` can carry: it re-arms itself until its time has come. */
class LongTimer {
  private id: ReturnType<typeof setTimeout> | undefined;

  constructor(dueMs: number, callback: () => void) {
    this.arm(dueMs, callback);
  }

  private arm(dueMs: number, callback: () => void): void {
    const remainingMs = dueMs - performance.now();
    this.id =
      remainingMs > longestDelayMs
        ? setTimeout(() => this.arm(dueMs, callback), longestDelayMs)
        : setTimeout(callback, remainingMs);
  }

  clear(): void {
    clearTimeout(this.id);
  }
}

const soon: (callback: () => void) => void =
  typeof setImmediate === 'function'
    ? (callback) => void setImmediate(callback)
    : (callback) => void setTimeout(callback, 0);

/**
 * The machine's own clock: `Date.now`, `performance.now` and `setTimeout`, with delays beyond 2^31 ms chunked.
 *
 * @example
 * systemClock.monotonicMs() <= systemClock.monotonicMs() // => true
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback): TimerHandle {
    return delayMs > longestDelayMs
      ? new LongTimer(performance.now() + delayMs, callback)
      : setTimeout(callback, Math.max(0, delayMs));
  },
  clearTimer(handle) {
    if (handle instanceof LongTimer) handle.clear();
    else clearTimeout(handle as ReturnType<typeof setTimeout> | undefined);
  },
  soon,
};
