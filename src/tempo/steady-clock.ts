import type { Clock } from '../ports/clock.ts';

/**
 * A clock whose wall time is read once and then grows with the monotonic clock: an operator or NTP that sets the
 * machine's time neither fires a durable timer early nor holds it up while the process lives.
 *
 * @internal
 */
export function steadyClock(clock: Clock): Clock {
  const originMs = clock.now() - clock.monotonicMs();
  return {
    now: () => Math.floor(originMs + clock.monotonicMs()),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    clearTimer: (handle) => clock.clearTimer(handle),
    soon: (callback) => clock.soon(callback),
  };
}
