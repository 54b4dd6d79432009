/**
 * The barrier of one step of one saga, kept as one row in the participant's own database:
 *
 *   no row ── action ───────► applied (reply)         the business ran, in the same transaction
 *   no row ── action ───────► refused (reply)         the business said no for certain, and wrote nothing
 *   no row ── compensation ─► barred + undone         null compensation: a tombstone, nothing to undo
 *   no row ── status ───────► barred                  the coordinator was told "none", so it must stay none
 *   applied ── compensation ► applied + undone        the business's compensation ran
 *   refused, barred ── compensation ► + undone        nothing to undo
 *   barred ── action ───────► 409 aborted             it came too late (hanging)
 *   anything again ─────────► the stored reply
 *   anything of a lower epoch ► 409 stale-epoch
 */

/** What a call wants: the effect, its undoing, or to know whether it took place. */
export type BarrierPhase = 'action' | 'compensation' | 'status';

/** Which call it is. */
export interface BarrierCall {
  readonly saga: string;
  readonly step: string;
  readonly phase: BarrierPhase;
  /** Grows with every coordinator that takes the saga over; a lower one has been replaced. */
  readonly epoch: number;
}

/** What a participant answers, and what a duplicate is answered again. */
export interface BarrierReply {
  readonly status: number;
  /** JSON text; `''` is no body. */
  readonly body: string;
}

/** What is known of a step. */
export interface BarrierRow {
  /** The highest epoch that has called. */
  readonly epoch: number;
  readonly action: 'applied' | 'refused' | 'barred';
  /** The action's reply; a tombstone has none. */
  readonly actionReply: BarrierReply | undefined;
  /** The compensation's reply, once it is done. */
  readonly undoneReply: BarrierReply | undefined;
}

/** What to do with a call. */
export type BarrierVerdict =
  /** Do the business of the phase, and keep its reply. */
  | { readonly kind: 'run' }
  /** A compensation of what was not applied: keep a tombstone, and answer that it is done. */
  | { readonly kind: 'nothing-to-undo' }
  /** A status probe of what was not applied: keep a tombstone, and answer so. */
  | { readonly kind: 'not-applied' }
  | { readonly kind: 'replay'; readonly reply: BarrierReply }
  | { readonly kind: 'refuse'; readonly code: 'stale-epoch' | 'aborted'; readonly message: string };

/**
 * Decides about one call. Pure; the caller holds the transaction in which the row was locked and the effect is written.
 *
 * @param row what the step's row said before this call, `undefined` when it is the first.
 * @see dtm, "Sub-transaction barrier": hanging and null compensation are told apart by who wrote the row first.
 * @internal
 */
export function decideBarrier(row: BarrierRow | undefined, call: Pick<BarrierCall, 'phase' | 'epoch'>): BarrierVerdict {
  if (row === undefined) return firstVerdict(call.phase);
  if (call.epoch < row.epoch) {
    const message = `epoch ${call.epoch} was replaced by epoch ${row.epoch}; its call comes too late`;
    return { kind: 'refuse', code: 'stale-epoch', message };
  }
  switch (call.phase) {
    case 'action':
      if (row.actionReply !== undefined) return { kind: 'replay', reply: row.actionReply };
      return { kind: 'refuse', code: 'aborted', message: 'the action was given up before it came; nothing was done' };
    case 'compensation':
      if (row.undoneReply !== undefined) return { kind: 'replay', reply: row.undoneReply };
      // A refused action has a reply and no effect: undoing it would take away what was never given.
      return { kind: row.action === 'applied' ? 'run' : 'nothing-to-undo' };
    case 'status':
      return row.action === 'applied'
        ? { kind: 'replay', reply: appliedReply(row.actionReply) }
        : { kind: 'not-applied' };
  }
}

function firstVerdict(phase: BarrierPhase): BarrierVerdict {
  if (phase === 'action') return { kind: 'run' };
  return { kind: phase === 'compensation' ? 'nothing-to-undo' : 'not-applied' };
}

/** What a status probe of an applied action is answered. @internal */
export function appliedReply(actionReply: BarrierReply | undefined): BarrierReply {
  const body = actionReply?.body ?? '';
  return { status: 200, body: body === '' ? '{"effect":"applied"}' : `{"effect":"applied","output":${body}}` };
}
