import { IllegalRecordError } from '../saga/legal-records.ts';
import { applyRecord } from '../saga/state.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import { AppendConflictError, type Position } from './journal.ts';
import { decodeCheckpointEntry } from './journal-checkpoint.ts';
import { decodeRecord, type LinkedRecord, RecordUnreadableError } from './record-codec.ts';
import { factsOf, type SagaNode, stateOf } from './saga-node.ts';
import { SagaTree } from './saga-tree.ts';
import { isSnapshot, paceOfRecord, stepsEnded } from './snapshot-record.ts';

/** What opening gathers from a checkpoint and the log behind it: every saga, the unfinished ones with their state. */
export class LogReplay {
  readonly tree: SagaTree = new SagaTree();
  lastEpoch = 0;
  /** Of the newest record, ms since 1970. */
  lastTimestamp = 0;

  /** Where the archive ended when the checkpoint was made. */
  archivedTo: Position = 0;

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

  /** Takes a record of the log; what cannot be a saga's next one is told with its place. */
  note(entry: WalRecord): void {
    this.lastTimestamp = entry.timestamp;
    if (isSnapshot(entry)) {
      this.noteSnapshot(entry);
      return;
    }
    const linked = decodeRecord(entry);
    this.lastEpoch = Math.max(this.lastEpoch, linked.record.epoch);
    try {
      this.noteRecord(entry, linked);
    } catch (error) {
      if (!(error instanceof IllegalRecordError || error instanceof AppendConflictError)) throw error;
      throw new RecordUnreadableError(entry.lsn, `in saga "${entry.txId}", ${error.message}`, { cause: error });
    }
  }

  private noteRecord(entry: WalRecord, { record, link }: LinkedRecord): void {
    const records = [record];
    const known = this.tree.claim(entry.txId, records, record.seq - 1);
    const { node } = known;
    const state = applyRecord(entry.txId, node === undefined ? undefined : stateOf(node), record);
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
