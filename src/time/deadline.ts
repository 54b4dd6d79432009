import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { DeadlineExceededError } from './deadline-exceeded-error.ts';
import { DerivedSignal, type DisposableSignal } from './derived-signal.ts';
import { type Duration, toMs } from './duration.ts';

/** When a signal's time is up. */
export interface Deadline {
  /** The clock it is told on. */
  readonly clock: Clock;
  /** The moment, as `clock.monotonicMs()` will show it. */
  readonly dueMs: number;
}

// Deadlines ride beside their signal, so that any function that hands the signal on hands the deadline on too.
const deadlines = new WeakMap<AbortSignal, Deadline>();

/** Lets a deadline ride on a signal that its maker aborts when the time comes. */
export function attachDeadline(signal: AbortSignal, deadline: Deadline): void {
  deadlines.set(signal, deadline);
}

/**
 * The deadline that rides on a signal, if there is one. It does not ride along through `AbortSignal.any`, which knows
 * nothing of it; `joinSignals` keeps it.
 *
 * @example
 * deadlineOf(new AbortController().signal) // => undefined
 */
export function deadlineOf(signal: AbortSignal | undefined): Deadline | undefined {
  return signal === undefined ? undefined : deadlines.get(signal);
}

/**
 * How much time a signal leaves, in milliseconds: `Infinity` when no deadline rides on it, 0 when its time is up.
 *
 * @example
 * remainingMs(undefined) // => Infinity
 */
export function remainingMs(signal: AbortSignal | undefined): number {
  const deadline = deadlineOf(signal);
  return deadline === undefined ? Infinity : Math.max(0, deadline.dueMs - deadline.clock.monotonicMs());
}

/**
 * A signal that aborts when its time is up, with a {@link DeadlineExceededError} as its reason, or with its parent and
 * the parent's reason. Whoever is handed the signal can ask {@link remainingMs} how long it has.
 *
 * A child only ever shortens: when the parent's deadline comes first, that one counts.
 *
 * @param parent the signal of the call this one is part of, or `undefined`.
 * @param duration how long from now. 0 gives a signal that has aborted already.
 * @param options.clock Default the system's clock.
 * @returns an `AbortSignal`; dispose of it (`using`) when the work is done, or its timer keeps running to the end.
 * @throws {TypeError} or {RangeError} when `duration` is not one.
 * @example
 * using signal = withDeadline(undefined, '5s');
 * remainingMs(signal) > 4000 // => true
 */
export function withDeadline(
  parent: AbortSignal | undefined,
  duration: Duration,
  options: { readonly clock?: Clock } = {},
): DisposableSignal {
  const { clock = systemClock } = options;
  const deadlineMs = toMs(duration, 'deadline');
  const derived = new DerivedSignal([parent]);
  const inherited = deadlineOf(parent);
  if (inherited !== undefined && remainingMs(parent) <= deadlineMs) {
    attachDeadline(derived.signal, inherited);
    return derived.signal;
  }
  const startedMs = clock.monotonicMs();
  attachDeadline(derived.signal, { clock, dueMs: startedMs + deadlineMs });
  derived.abortAfter(deadlineMs, clock, () => {
    return new DeadlineExceededError('the call', { deadlineMs, elapsedMs: clock.monotonicMs() - startedMs });
  });
  return derived.signal;
}
