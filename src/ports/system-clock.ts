import type { Clock, TimerHandle } from './clock.ts';

// setTimeout takes a signed 32-bit delay and fires a longer one after 1 ms (HTML "timers", Node ERR_TIMEOUT_OVERFLOW).
const longestDelayMs = 2 ** 31 - 1;

/** What `setTimer` gives back: the `setTimeout` that is set now. A delay longer than one can carry is set again and again. */
interface SystemTimer {
  id?: ReturnType<typeof setTimeout>;
}

function arm(timer: SystemTimer, dueMs: number, callback: () => void): void {
  const remainingMs = dueMs - performance.now();
  timer.id =
    remainingMs > longestDelayMs
      ? setTimeout(arm, longestDelayMs, timer, dueMs, callback)
      : // Node cuts fractions off, and would be a whole millisecond early.
        setTimeout(callback, Math.max(0, Math.ceil(remainingMs)));
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
    const timer: SystemTimer = {};
    arm(timer, performance.now() + delayMs, callback);
    return timer;
  },
  clearTimer(handle) {
    clearTimeout((handle as SystemTimer | undefined)?.id);
  },
  soon,
};
