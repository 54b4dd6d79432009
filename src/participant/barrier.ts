import { InProgressError } from '../idempotency/idempotency-errors.ts';
import { failureOf } from '../saga/failure.ts';
import { checkName } from '../saga/names.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { appliedReply, type BarrierCall, type BarrierReply, type BarrierRow, decideBarrier } from './decide-barrier.ts';

/**
 * The barrier's rows, within one open transaction of the participant's database: the one that the business writes in.
 *
 * An implementer keeps: after `lock` nobody else passes the barrier of that step until this transaction has ended, and a
 * second caller then sees what the first has committed, or nothing of it when that was rolled back; everything written
 * through this store is committed or rolled back with the business.
 */
export interface BarrierStore {
  /** Locks the step's row, made when it is not there; resolves with what stood in it, `undefined` for a new one. */
  lock(saga: string, step: string): Promise<BarrierRow | undefined>;
  /** Writes the row that was locked. */
  save(saga: string, step: string, row: BarrierRow): Promise<void>;
  /** Runs the work so that, when it throws, its own writes are undone and those before it stay. */
  savepoint<Value>(work: () => Value | Promise<Value>): Promise<Value>;
}

/** What a participant knows of an action that may have taken effect outside the barrier's transaction. */
export type EffectStatus =
  | { readonly effect: 'applied'; readonly output?: unknown }
  | { readonly effect: 'none' }
  /** Cannot be told yet. Default of `retryAfterMs`: 1000. */
  | { readonly effect: 'in-progress'; readonly retryAfterMs?: number };

/** Options of {@link barrier}. */
export interface BarrierOptions {
  /**
   * Asked by a status probe of a step that has no row yet. What it says is kept: `applied` as if the action had passed
   * the barrier, `none` as a tombstone. Default: without a row there is no effect.
   */
  readonly status?: () => EffectStatus | Promise<EffectStatus>;
}

/** A JSON problem document (RFC 9457) with a stable code, as the body of a refusal. */
export function problemReply(status: number, code: string, message: string): BarrierReply {
  return { status, body: JSON.stringify({ type: 'about:blank', status, title: message, code, message }) };
}

// A reply is kept in a row for as long as the saga may come back; what is larger belongs into a table of its own.
const longestOutput = 1024 * 1024;

function outputReply(output: unknown): BarrierReply {
  if (output === undefined) return { status: 204, body: '' };
  const body: string | undefined = JSON.stringify(output);
  if (body === undefined) throw new TypeError(`Expected the output to be JSON, got a ${typeof output}`);
  if (body.length > longestOutput) {
    throw new RangeError(`Expected the output to have at most ${longestOutput} characters of JSON, got ${body.length}`);
  }
  return { status: 200, body };
}

/**
 * Lets an action or compensation take effect once and in the right order, whatever is repeated, reordered or late. Call it
 * in the transaction in which the business writes, commit after it resolves, roll back when it rejects: row and effect
 * then stand or fall together.
 *
 * The first call runs the business and keeps its reply; a duplicate is given that reply. A compensation whose action never
 * came leaves a tombstone and is done; its action is then refused with 409 `aborted`, and whoever calls with a lower epoch
 * than the step has seen with 409 `stale-epoch`. A status probe that finds nothing leaves the tombstone too.
 *
 * @param store the rows in the open transaction, such as `postgresBarrierRows(client)`.
 * @param call which call it is; a coordinator of makegood sends it in headers.
 * @param business does the work of the phase, in the same transaction, and returns the output. A `TerminalError` of an action
 * undoes its writes and is kept as a 409; anything else is rethrown: then roll back.
 * @param options.status asked by a status probe of a step that has no row yet. Default: then there is no effect.
 * @returns the reply to give. Answer it only after the commit.
 * @throws {InProgressError} when `options.status` cannot tell yet: roll back.
 * @throws {TypeError} or {RangeError} when the call or the output is not what it must be.
 * @example
 * const rows = memoryBarrier();
 * const call = { saga: 'order-1', step: 'reserve', phase: 'action', epoch: 1 };
 * const reserve = () => rows.transaction((_, store) => barrier(store, call, () => ({ reserved: 2 })));
 * await reserve() // => { status: 200, body: '{"reserved":2}' }
 * await reserve() // => { status: 200, body: '{"reserved":2}' }
 */
export async function barrier(
  store: BarrierStore,
  call: BarrierCall,
  business: () => unknown,
  options: BarrierOptions = {},
): Promise<BarrierReply> {
  const { saga, step, phase, epoch } = checkBarrierCall(call);
  const row = await store.lock(saga, step);
  const verdict = decideBarrier(row, call);
  if (verdict.kind === 'refuse') return problemReply(409, verdict.code, verdict.message);
  const barred: BarrierRow = { epoch, action: 'barred', actionReply: undefined, undoneReply: undefined };
  const kept: BarrierRow = { ...(row ?? barred), epoch };
  switch (verdict.kind) {
    case 'replay':
      if (row?.epoch !== epoch) await store.save(saga, step, kept);
      return verdict.reply;
    case 'not-applied': {
      // A row is the truth: it was committed with the effect, or somebody was told that there is none.
      const found = row === undefined ? await askStatus(call, options.status) : undefined;
      await store.save(saga, step, found === undefined ? kept : { ...kept, action: 'applied', actionReply: found });
      return found === undefined ? { status: 200, body: '{"effect":"none"}' } : appliedReply(found);
    }
    case 'nothing-to-undo': {
      const undoneReply = { status: 200, body: '{"undone":false}' };
      await store.save(saga, step, { ...kept, undoneReply });
      return undoneReply;
    }
    case 'run': {
      if (phase === 'compensation') {
        const undoneReply = outputReply(await business());
        await store.save(saga, step, { ...kept, undoneReply });
        return undoneReply;
      }
      const acted = await act(store, business);
      await store.save(saga, step, { ...kept, ...acted });
      return acted.actionReply;
    }
  }
}

/** The reply of an action that took effect outside, `undefined` when there is none. */
async function askStatus(
  { saga, step }: BarrierCall,
  status: BarrierOptions['status'],
): Promise<BarrierReply | undefined> {
  const found = status === undefined ? { effect: 'none' as const } : await status();
  switch (found.effect) {
    case 'none':
      return undefined;
    case 'applied':
      return outputReply(found.output);
    case 'in-progress':
      throw new InProgressError(`${saga}/${step}`, { retryAfterMs: found.retryAfterMs ?? 1000 });
    default:
      throw new TypeError(`Expected status to say applied, none or in-progress, got ${JSON.stringify(found)}`);
  }
}

/** Runs an action; a definite refusal is a result like any other, and nothing of it stays but that. */
async function act(
  store: BarrierStore,
  business: () => unknown,
): Promise<{ readonly action: 'applied' | 'refused'; readonly actionReply: BarrierReply }> {
  try {
    return { action: 'applied', actionReply: await store.savepoint(async () => outputReply(await business())) };
  } catch (error) {
    if (!isDefinite(error)) throw error;
    // Kept, so that a copy of this request that is still on its way cannot apply what the saga takes for refused.
    const { code, message } = failureOf(error);
    return { action: 'refused', actionReply: problemReply(409, code, message) };
  }
}

const phases: ReadonlySet<string> = new Set(['action', 'compensation', 'status']);

function checkBarrierCall(call: BarrierCall): BarrierCall {
  checkName(call.saga, 'saga');
  checkName(call.step, 'step');
  if (!phases.has(call.phase)) {
    throw new TypeError(`Expected phase to be action, compensation or status, got ${JSON.stringify(call.phase)}`);
  }
  if (Number.isSafeInteger(call.epoch) && call.epoch >= 0) return call;
  throw new RangeError(`Expected epoch to be an integer ≥ 0, got ${call.epoch}`);
}
