import { IllegalRecordError } from '../saga/legal-records.ts';
import { applyRecord } from '../saga/state.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import { AppendConflictError, type Position } from './journal.ts';
import { decodeCheckpointEntry } from './journal-checkpoint.ts';
import { decodeRecord, isForeign, type LinkedRecord, linkOf, RecordUnreadableError } from './record-codec.ts';
import { factsOf, type SagaNode, stateOf } from './saga-node.ts';
import { SagaTree } from './saga-tree.ts';
import { isSnapshot, paceOfRecord, stepsEnded } from './snapshot-record.ts';
import { unknownSaga } from './unreadable-saga.ts';

/** What opening gathers from a checkpoint and the log behind it: every saga, the unfinished ones with their state. */
export class LogReplay {
  readonly tree: SagaTree = new SagaTree();
  lastEpoch = 0;
  /** Of the newest record, ms since 1970. */
  lastTimestamp = 0;

  /** Where the archive ended when the checkpoint was made. */
  archivedTo: Position = 0;

  /** The saga of the entry before. */
  private previousId = '';

  /** Where it began at the latest; `undefined`: there was none, or nobody wrote it down. */
  archivedFrom: Position | undefined;

  /** Takes an entry of the checkpoint. */
  restore(entry: WalRecord): void {
    const restored = decodeCheckpointEntry(entry);
    if ('saga' in restored) this.tree.restore(restored);
    else {
      this.lastEpoch = restored.epoch;
      this.lastTimestamp = restored.timestamp;
      this.archivedTo = restored.archivedTo;
      this.archivedFrom = restored.archivedFrom;
    }
  }

  /**
   * Takes a record of the log. What cannot be read, or cannot be its saga's next one, stops that saga and no other.
   *
   * @throws {RecordUnreadableError} for what is no record of a saga: the log is something else's.
   */
  note(entry: WalRecord): void {
    this.lastTimestamp = entry.timestamp;
    this.noteOfSaga(entry);
    this.previousId = entry.txId;
  }

  private noteOfSaga(entry: WalRecord): void {
    const snapshot = isSnapshot(entry);
    if (this.tree.get(entry.txId)?.node?.damage !== undefined) return this.noteBehindDamage(entry, snapshot);
    try {
      if (snapshot) this.noteSnapshot(entry);
      else this.noteRecord(entry, decodeRecord(entry));
    } catch (error) {
      const concernsSaga =
        error instanceof RecordUnreadableError ||
        error instanceof IllegalRecordError ||
        error instanceof AppendConflictError;
      if (!concernsSaga || (isForeign(entry) && !snapshot)) throw error;
      this.noteDamage(entry, error);
    }
  }

  /** The saga stays as it was before this record, and goes no further. */
  private noteDamage(entry: WalRecord, error: Error): void {
    const { txId: id, lsn: position, timestamp } = entry;
    const entryOfSaga = this.tree.get(id) ?? this.tree.begin(id);
    const { node } = entryOfSaga;
    const saga = node?.saga ?? unknownSaga(id, timestamp);
    const why = error instanceof RecordUnreadableError ? error.why : error.message;
    const damage = { position, seq: saga.seq + 1, why };
    const fresh = { saga, birth: position, position, snapshot: undefined, steps: 0, records: 0 };
    this.tree.confirm(entryOfSaga, { ...(node ?? fresh), damage });
    this.noteBehindDamage(entry, isSnapshot(entry));
  }

  /** Keeps where its last append stands, from which a version that can read it finds all of them. */
  private noteBehindDamage(entry: WalRecord, snapshot: boolean): void {
    const known = this.tree.get(entry.txId);
    // The records of an append stand together, so what stands behind another saga's begins one, whatever it says.
    const begins = this.previousId !== entry.txId || linkOf(entry) !== undefined;
    if (snapshot || known?.node === undefined || !begins) return;
    this.tree.confirm(known, { ...known.node, position: entry.lsn });
  }

  private noteRecord(entry: WalRecord, { record, link }: LinkedRecord): void {
    this.lastEpoch = Math.max(this.lastEpoch, record.epoch);
    const records = [record];
    const known = this.tree.claim(entry.txId, records, record.seq - 1);
    const { node } = known;
    // Nobody has seen a state yet, so one can become the next; what a snapshot told is kept, to find out what changes.
    const isOurs = node?.snapshot === undefined;
    const state = applyRecord(entry.txId, node === undefined ? undefined : stateOf(node), record, isOurs);
    const position = link === undefined && node !== undefined ? node.position : entry.lsn;
    this.tree.confirm(known, {
      saga: state.finished ? factsOf(state) : state,
      birth: node?.birth ?? entry.lsn,
      position,
      snapshot: state.finished ? undefined : node?.snapshot,
      steps: (node?.steps ?? 0) + stepsEnded(records),
      records: (node?.records ?? 0) + 1,
    });
  }

  private noteSnapshot(entry: WalRecord): void {
    const known = this.tree.get(entry.txId);
    if (known?.node === undefined)
      throw new RecordUnreadableError(entry.lsn, `no saga "${entry.txId}" stands before it`);
    const node: SagaNode = { ...known.node, steps: 0, records: 0, snapshot: paceOfRecord(entry, known.node) };
    this.tree.confirm(known, node);
  }
}
