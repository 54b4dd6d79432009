/**
 * Snapshot records: every few steps, a saga's append carries what changed since its last one, or the whole state. With
 * them the state of a saga is read in bounded work, however long its history is.
 *
 * Payload, text: `codec link seq json`. `link` is the position of the append with the snapshot that the changes are to;
 * 0 in a whole one. The snapshot stands last in its append and is what the saga is after it.
 */
import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import type { Position } from './journal.ts';
import { HeadReader, RecordUnreadableError } from './record-codec.ts';
import type { SagaNode, SnapshotPace } from './saga-node.ts';
import { applyDelta, decodeState, encodeDelta, encodeState } from './state-codec.ts';

const codecVersion = '1';
const kinds = { whole: 240, delta: 241 } as const;
/** Every so many snapshots, one is whole. */
const wholeEvery = 16;
/** A saga whose steps do not end, by their many attempts, is written down all the same. */
const recordsAtMost = 64;

const endsStep: { readonly [Type in SagaRecord['type']]?: true } = {
  'step-confirmed': true,
  'step-failed': true,
  'step-unknown': true,
  'step-skipped': true,
  'step-compensated': true,
};

/** How many of the records end a step. */
export function stepsEnded(records: readonly SagaRecord[]): number {
  let ended = 0;
  for (const { type } of records) if (endsStep[type] === true) ended++;
  return ended;
}

/** Whether a saga has gone far enough since its last snapshot. */
export function snapshotIsDue(steps: number, records: number, snapshotEvery: number): boolean {
  return steps >= snapshotEvery || (records >= recordsAtMost && snapshotEvery !== Infinity);
}

/** A snapshot of the state as an entry of the log: what changed since the last one, or all. */
export function encodeSnapshot(last: SnapshotPace | undefined, state: SagaState): WalEntry {
  const whole = last === undefined || last.count >= wholeEvery;
  const body = whole
    ? `0 ${state.seq} ${encodeState(state)}`
    : `${last.position} ${state.seq} ${encodeDelta(last.state, state)}`;
  const payload = `${codecVersion} ${body}`;
  const kind = whole ? kinds.whole : kinds.delta;
  return { kind, state: 0, timestamp: state.updatedAt, txId: state.id, stepId: '', payload };
}

/** Where a saga stands with its snapshots once one is durable. */
export function paceAfter(last: SnapshotPace | undefined, position: Position, state: SagaState): SnapshotPace {
  return { position, state, count: last === undefined || last.count >= wholeEvery ? 1 : last.count + 1 };
}

/** As {@link paceAfter}, of one that was read in the log. */
export function paceOfRecord(entry: WalRecord, node: SagaNode): SnapshotPace | undefined {
  if (!('steps' in node.saga)) return undefined;
  const count = entry.kind === kinds.whole ? 1 : (node.snapshot?.count ?? wholeEvery) + 1;
  return { position: node.position, state: node.saga, count };
}

/** A snapshot as the log gave it back. */
export interface SnapshotRecord {
  /** Position of the append with the snapshot it changes; 0: it is whole. */
  readonly link: Position;
  readonly seq: number;
  readonly json: string;
}

export function isSnapshot({ kind }: WalRecord): boolean {
  return kind === kinds.whole || kind === kinds.delta;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @throws {RecordUnreadableError} when it is not of this version. */
export function decodeSnapshot(entry: WalRecord): SnapshotRecord {
  return readableAt(entry.lsn, () => {
    const head = new HeadReader(decoder.decode(entry.payload));
    const codec = head.word();
    if (codec !== codecVersion) throw new SyntaxError(`codec "${codec}" is not known`);
    const link = head.integer();
    if ((link === 0) !== (entry.kind === kinds.whole)) throw new SyntaxError(`kind ${entry.kind} links to ${link}`);
    return { link, seq: head.integer(), json: head.rest() };
  });
}

/** The state that a whole snapshot and the changes after it, oldest first, lead to. */
export function stateOfSnapshots(
  id: string,
  position: Position,
  whole: SnapshotRecord,
  deltas: readonly SnapshotRecord[],
): SagaState {
  return readableAt(position, () =>
    deltas.reduce((state, { json }) => applyDelta(state, json), decodeState(id, whole.json)),
  );
}

function readableAt<Result>(position: Position, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new RecordUnreadableError(position, error instanceof Error ? error.message : String(error), { cause: error });
  }
}
