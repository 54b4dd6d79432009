import type { SagaRecord } from '../saga/record.ts';
import { applyRecord, type SagaState } from '../saga/state.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import type { PlacedRecord, Position } from './journal.ts';
import { decodeRecord, RecordUnreadableError } from './record-codec.ts';
import { decodeSnapshot, isSnapshot, type SnapshotRecord, stateOfSnapshots } from './snapshot-record.ts';

/** Gives the records of the log from a position on, as far as they are this saga's. */
export type ReadFrom = (position: Position) => AsyncIterable<WalRecord>;

/** One append of a saga, as it stands in the log. */
interface StoredAppend {
  readonly records: readonly SagaRecord[];
  readonly snapshot: SnapshotRecord | undefined;
  /** Position of the append before; 0 when there is none. */
  readonly link: Position;
}

/** The records of one append: the linked one at its position, and those right behind it that have no link. */
async function readAppend(read: ReadFrom, id: string, position: Position): Promise<StoredAppend> {
  const records: SagaRecord[] = [];
  let first: number | undefined;
  let snapshot: SnapshotRecord | undefined;
  for await (const entry of read(position)) {
    if (entry.txId !== id) break;
    if (isSnapshot(entry)) {
      snapshot = decodeSnapshot(entry);
      break;
    }
    const { record, link } = decodeRecord(entry);
    if (records.length > 0 && link !== undefined) break;
    first ??= link;
    records.push(record);
  }
  if (first === undefined || first >= position) throw new RecordUnreadableError(position, 'no append begins there');
  return { records, snapshot, link: first };
}

/** All records of a saga in order, read backwards along the chain from its last append. */
export async function readHistory(read: ReadFrom, id: string, position: Position): Promise<readonly PlacedRecord[]> {
  const appends: (readonly PlacedRecord[])[] = [];
  for (let at = position; at !== 0; ) {
    const { records, link } = await readAppend(read, id, at);
    const first = at;
    appends.push(records.map((record, place) => ({ position: first + place, sagaId: id, record })));
    at = link;
  }
  return appends.toReversed().flat();
}

/** The state of a saga after its last append, read backwards no further than to its last whole snapshot. */
export async function readState(read: ReadFrom, id: string, position: Position): Promise<SagaState | undefined> {
  const behind: (readonly SagaRecord[])[] = [];
  let state: SagaState | undefined;
  for (let at = position; at !== 0; ) {
    const { records, snapshot, link } = await readAppend(read, id, at);
    if (snapshot !== undefined) {
      state = await readSnapshots(read, id, at, snapshot);
      break;
    }
    behind.push(records);
    at = link;
  }
  for (const record of behind.toReversed().flat()) state = applyRecord(id, state, record);
  return state;
}

async function readSnapshots(read: ReadFrom, id: string, position: Position, last: SnapshotRecord): Promise<SagaState> {
  const deltas: SnapshotRecord[] = [];
  let snapshot = last;
  for (let at = position; snapshot.link !== 0; ) {
    if (snapshot.link >= at) throw new RecordUnreadableError(at, 'its snapshot links forward');
    deltas.push(snapshot);
    at = snapshot.link;
    const before = await readAppend(read, id, at);
    if (before.snapshot === undefined)
      throw new RecordUnreadableError(at, 'no snapshot stands there, and one links to it');
    snapshot = before.snapshot;
  }
  return stateOfSnapshots(id, position, snapshot, deltas.toReversed());
}
