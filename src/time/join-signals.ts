import { attachDeadline, deadlineOf, remainingMs } from './deadline.ts';
import { DerivedSignal, type DisposableSignal } from './derived-signal.ts';

/**
 * A signal that aborts with the first of `signals` that does, and with its reason untouched. The earliest of their
 * deadlines rides on it, which `AbortSignal.any` would lose.
 *
 * @param signals those that are `undefined` are left out; of none at all comes a signal that never aborts.
 * @returns an `AbortSignal`; dispose of it (`using`) when the work is done, so that its parents forget it.
 * @example
 * joinSignals(undefined, AbortSignal.abort('stop')).reason // => 'stop'
 */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): DisposableSignal {
  const { signal } = new DerivedSignal(signals);
  let earliestMs = Infinity;
  for (const parent of signals) {
    const deadline = deadlineOf(parent);
    const leftMs = remainingMs(parent);
    if (deadline === undefined || leftMs >= earliestMs) continue;
    earliestMs = leftMs;
    attachDeadline(signal, deadline);
  }
  return signal;
}
