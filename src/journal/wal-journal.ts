import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import { openWal } from '../wal/wal.ts';
import type { WalEntry } from '../wal/wal-record.ts';
import { CheckpointCycle } from './checkpoint-cycle.ts';
import { type AppendCondition, type Journal, type Position, StaleEpochError } from './journal.ts';
import { LogReplay } from './log-replay.ts';
import { PendingAppend } from './pending-append.ts';
import { encodeRecord } from './record-codec.ts';
import { readHistory, readState } from './saga-history.ts';
import { sagaAfter, stateOf } from './saga-node.ts';
import type { SagaEntry } from './saga-tree.ts';
import { encodeSnapshot, snapshotIsDue, stepsEnded } from './snapshot-record.ts';
import { TreeJournal } from './tree-journal.ts';
import { type ResolvedJournalOptions, resolveJournalOptions, type WalJournalOptions } from './wal-journal-options.ts';

class WalJournal extends TreeJournal {
  private readonly wal: Wal;
  private readonly cycle: CheckpointCycle;
  private readonly snapshotEvery: number;
  private closing: Promise<void> | undefined;

  constructor(wal: Wal, replay: LogReplay, options: ResolvedJournalOptions) {
    super(replay.tree, replay.lastEpoch + 1);
    this.wal = wal;
    this.snapshotEvery = options.snapshotEvery;
    this.cycle = new CheckpointCycle(wal, replay.tree, { epoch: this.epoch, timestamp: replay.lastTimestamp }, options);
  }

  append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    try {
      this.guard();
      if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
      return this.write(this.tree.claim(sagaId, records, condition.expectedSeq), records, condition.state);
    } catch (error) {
      // Not `async`, which would cost the hot path another promise; a refusal is a rejection all the same.
      return Promise.reject(error);
    }
  }

  /** Appends records whose place was claimed, and now and then a snapshot behind them. */
  private write(entry: SagaEntry, records: readonly SagaRecord[], given: SagaState | undefined): Promise<Position> {
    const { id, node } = entry;
    try {
      const entries: WalEntry[] = [];
      for (const record of records)
        entries.push(encodeRecord(id, record, entries.length === 0 ? (node?.position ?? 0) : undefined));
      const saga = sagaAfter(id, node, records, given);
      const pending = new PendingAppend(this.tree, this.cycle, entry, saga, records.at(-1)?.timestamp ?? 0);
      pending.steps = (node?.steps ?? 0) + stepsEnded(records);
      pending.records = (node?.records ?? 0) + records.length;
      if (snapshotIsDue(pending.steps, pending.records, this.snapshotEvery) && 'steps' in saga)
        this.addSnapshot(pending, saga, entries);
      return pending.writtenBy(this.wal, entries);
    } catch (error) {
      this.tree.release(entry);
      throw error;
    }
  }

  private addSnapshot(pending: PendingAppend, state: SagaState, entries: WalEntry[]): void {
    const snapshot = encodeSnapshot(pending.entry.node?.snapshot, state);
    pending.steps = 0;
    pending.records = 0;
    // Records that fit must not be refused for the sake of a snapshot that is only there to save work.
    if (snapshot.payload.length > this.wal.segmentBytes / 16) return;
    entries.push(snapshot);
    pending.carriesSnapshot = true;
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    const position = this.tree.get(sagaId)?.node?.position;
    return position === undefined ? [] : readHistory((from) => this.wal.read(from), sagaId, position);
  }

  async state(sagaId: string): Promise<SagaState | undefined> {
    this.guard();
    const node = this.tree.get(sagaId)?.node;
    if (node === undefined) return undefined;
    return stateOf(node) ?? readState((from) => this.wal.read(from), sagaId, node.position);
  }

  override close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    await super.close();
    await this.cycle.finish();
    await this.wal.close();
  }
}

/**
 * Opens the journal in a folder, which is made when it is not there: saga records in the write-ahead log.
 *
 * Opening begins at the newest whole checkpoint, which holds the unfinished sagas; a new one is made while appends go on
 * after every `checkpointBytes` of log, and at closing.
 *
 * @param path the data folder; one opener at a time, of all processes.
 * @param options those of the log (segment size, flush bounds, the ports `files`, `clock`, `observer`), `snapshotEvery`
 *   and `checkpointBytes`.
 * @returns a journal whose `append` resolves only after the records are on the disk.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when the log is damaged anywhere but in an unfinished write at its end; nothing is changed.
 * @throws {RecordUnreadableError} when a newer version wrote the log.
 * @throws {RangeError} when an option is out of its bounds.
 * @example
 * await using journal = await openWalJournal('./makegood-data');
 * (await journal.list()).items // => []
 */
export async function openWalJournal(path: string, options: WalJournalOptions = {}): Promise<Journal> {
  const resolved = resolveJournalOptions(options);
  const replay = new LogReplay();
  const wal = await openWal(path, {
    ...options,
    onCheckpoint: (entry) => replay.restore(entry),
    onRecord: (entry) => replay.note(entry),
  });
  replay.tree.sort();
  return new WalJournal(wal, replay, resolved);
}
