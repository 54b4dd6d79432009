/** What {@link Clock.setTimer} returns, to be handed back to {@link Clock.clearTimer}. Opaque. */
export type TimerHandle = unknown;

/**
 * Time as makegood sees it. Elapsed time is measured with `monotonicMs`, stamps are taken from `now`, and nothing else
 * in the house reads a clock or sets a timer.
 *
 * An implementer keeps: `monotonicMs` never decreases; a callback runs at most once, never synchronously inside
 * `setTimer` or `soon`, and not after `clearTimer`; a delay of any length is honoured, also beyond 2^31 ms.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. May jump, also backwards; for stamps only. */
  now(): number;
  /** Milliseconds since an arbitrary origin; never decreases. For elapsed time. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs` milliseconds (at once in a later turn when 0 or less). */
  setTimer(delayMs: number, callback: () => void): TimerHandle;
  /** Takes back a timer; does nothing when it has fired or was taken back already. */
  clearTimer(handle: TimerHandle): void;
  /** Runs `callback` in a later turn of the event loop, after the work that is ready now. */
  soon(callback: () => void): void;
}
