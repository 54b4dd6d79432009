/**
 * The barrier of one step of one saga, as rows keyed by phase:
 *
 *   no row ── action ──────► (action, by action)                     the effect happens
 *   no row ── compensation ► (action, by compensation) + (compensation)   a tombstone: nothing to undo, nothing may come
 *   (action, by action) ── compensation ► + (compensation)           the effect is undone
 *
 * Whatever comes again is answered from its row; whatever comes with a lower epoch than a row has seen is refused.
 */
import type { StepPhase } from '../../saga/record.ts';

/** What is kept of a call, in the same transaction as its effect. */
export interface BarrierRow {
  readonly phase: StepPhase;
  /** Which call wrote it: a compensation also writes the row of the action that must not come any more. */
  readonly reason: StepPhase;
  /** The highest epoch that has asked. */
  readonly epoch: number;
  readonly status: number;
  readonly body: string;
}

/** What to do with a call. */
export type BarrierVerdict =
  /** Do the business, and keep its reply. */
  | { readonly kind: 'run' }
  /** A compensation of something that was not applied: keep a tombstone and answer that it is done. */
  | { readonly kind: 'nothing-to-undo' }
  | { readonly kind: 'replay'; readonly row: BarrierRow }
  | { readonly kind: 'refuse'; readonly code: 'stale-epoch' | 'aborted'; readonly message: string };

/**
 * Decides about one call. Pure; the caller holds the transaction in which the rows were read and the effect is written.
 *
 * @param rows the rows of the call's saga and step, at most one for each phase.
 * @see dtm, "Sub-transaction barrier": hanging and null compensation are told apart by who wrote the row first.
 */
export function decideBarrier(
  rows: readonly BarrierRow[],
  call: { readonly phase: StepPhase; readonly epoch: number },
): BarrierVerdict {
  const seenEpoch = Math.max(0, ...rows.map((row) => row.epoch));
  if (call.epoch < seenEpoch) {
    const message = `epoch ${call.epoch} has been replaced by epoch ${seenEpoch}; its call comes too late`;
    return { kind: 'refuse', code: 'stale-epoch', message };
  }
  const action = rows.find((row) => row.phase === 'action');
  const own = rows.find((row) => row.phase === call.phase);
  if (call.phase === 'action') {
    if (own === undefined) return { kind: 'run' };
    if (own.reason === 'action') return { kind: 'replay', row: own };
    return { kind: 'refuse', code: 'aborted', message: 'the compensation of this action was here first' };
  }
  if (own !== undefined) return { kind: 'replay', row: own };
  // A refused action has a row and no effect: undoing it would take away what was never given.
  return action === undefined || action.status === 409 ? { kind: 'nothing-to-undo' } : { kind: 'run' };
}
