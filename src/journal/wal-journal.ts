import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import { segmentName } from '../wal/log-folder.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import { openWal } from '../wal/wal.ts';
import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import { Archive, damage } from './archive.ts';
import { CheckpointCycle } from './checkpoint-cycle.ts';
import {
  type AppendCondition,
  AppendConflictError,
  type Journal,
  JournalFullError,
  type PlacedRecord,
  type Position,
  SagaPurgedError,
  type SagaFilter,
  type SagaPage,
  StaleEpochError,
} from './journal.ts';
import { listQuery, pageOf } from './list-query.ts';
import { recordsAfter } from './log-after.ts';
import { LogReplay } from './log-replay.ts';
import { PendingAppend } from './pending-append.ts';
import { encodeRecord, RecordUnreadableError } from './record-codec.ts';
import { type ReadFrom, readHistory, readState } from './saga-history.ts';
import { sagaAfter, stateOf } from './saga-node.ts';
import type { SagaEntry } from './saga-tree.ts';
import { encodeSnapshot, snapshotIsDue, stepsEnded } from './snapshot-record.ts';
import { TreeJournal } from './tree-journal.ts';
import { type ResolvedJournalOptions, resolveJournalOptions, type WalJournalOptions } from './wal-journal-options.ts';

class WalJournal extends TreeJournal {
  private readonly path: string;
  private readonly wal: Wal;
  private readonly archive: Archive;
  private readonly cycle: CheckpointCycle;
  private readonly snapshotEvery: number;
  private closing: Promise<void> | undefined;

  constructor(path: string, wal: Wal, archive: Archive, replay: LogReplay, options: ResolvedJournalOptions) {
    super(replay.tree, replay.lastEpoch + 1);
    this.path = path;
    this.wal = wal;
    this.archive = archive;
    this.snapshotEvery = options.snapshotEvery;
    const { lastTimestamp: timestamp, archivedFrom } = replay;
    const head = { epoch: this.epoch, timestamp, archivedFrom };
    this.cycle = new CheckpointCycle(wal, replay.tree, archive, head, options);
  }

  append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    try {
      this.guard();
      if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
      if (condition.expectedSeq === 0 && this.tree.get(sagaId) === undefined) {
        if (this.wal.full) throw new JournalFullError(this.path);
        if (this.archive.mayHave(sagaId)) return this.appendUnlessArchived(sagaId, records, condition);
      }
      return this.write(this.tree.claim(sagaId, records, condition.expectedSeq), records, condition.state);
    } catch (error) {
      // Not `async`, which would cost the hot path another promise; a refusal is a rejection all the same.
      return Promise.reject(error);
    }
  }

  /** The first append of a saga whose id, as far as memory can tell, might be that of one in the archive. */
  private async appendUnlessArchived(
    sagaId: string,
    records: readonly SagaRecord[],
    { state, allowReuse = false }: AppendCondition,
  ): Promise<Position> {
    const line = await this.archive.find(sagaId);
    this.guard();
    if (line?.facts !== undefined) throw new AppendConflictError(sagaId, 0, line.facts.seq);
    if (line !== undefined && !allowReuse) throw new SagaPurgedError(sagaId, line.finishedAt);
    return this.write(this.tree.claim(sagaId, records, 0), records, state);
  }

  /** Appends records whose place was claimed, and now and then a snapshot behind them. */
  private write(entry: SagaEntry, records: readonly SagaRecord[], given: SagaState | undefined): Promise<Position> {
    const { id, node } = entry;
    try {
      const link = node?.position ?? 0;
      const entries = records.map((record, place) => encodeRecord(id, record, place === 0 ? link : undefined));
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

  /** In the log by its file; what was cut off it stands in the archive. */
  protected override whereIs(position: Position): string {
    const { segmentBytes } = this.wal;
    if (position < (this.archive.endLsn ?? 0)) return `position ${position}, in the archive of ${this.path}`;
    return `${this.path}/${segmentName(Math.floor(position / segmentBytes))}, offset ${position % segmentBytes}`;
  }

  /** Takes up the sagas that an earlier version could not read and this one can, unless it has ended them. */
  async heal(): Promise<void> {
    for (const entry of this.tree.damaged()) {
      const { id, node } = entry;
      if (node?.damage === undefined) continue;
      const saga = await readState(this.readerOf(id), id, node.position).catch(() => undefined);
      if (saga?.finished !== false || saga.seq < node.damage.seq) continue;
      const { birth, position } = node;
      this.tree.confirm(entry, { saga, birth, position, snapshot: undefined, steps: 0, records: 0 });
    }
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    return (await this.history(sagaId)).map(({ record }) => record);
  }

  after(position: Position): AsyncIterable<PlacedRecord> {
    this.guard();
    return recordsAfter(this.wal, position);
  }

  async history(sagaId: string): Promise<readonly PlacedRecord[]> {
    this.guard();
    return await this.atPlaceOf<readonly PlacedRecord[]>(sagaId, [], (position) =>
      readHistory(this.readerOf(sagaId), sagaId, position),
    );
  }

  /** Reads where a saga's last append stands; again when it went to the archive, or out of it, in the meantime. */
  private async atPlaceOf<Found>(
    sagaId: string,
    nothing: Found,
    read: (position: Position) => Promise<Found>,
  ): Promise<Found> {
    for (;;) {
      const position = await this.positionOf(sagaId);
      if (position === 0) return nothing;
      const { endLsn } = this.archive;
      try {
        return await read(position);
      } catch (error) {
        if (endLsn === this.archive.endLsn && position === (await this.positionOf(sagaId))) throw error;
      }
    }
  }

  private async positionOf(sagaId: string): Promise<Position> {
    return this.tree.get(sagaId)?.node?.position ?? (await this.archivedPosition(sagaId));
  }

  /** Where the last append of a saga that was archived stands; 0 when there is none, or it was purged. */
  private async archivedPosition(sagaId: string): Promise<Position> {
    return this.archive.mayHave(sagaId) ? ((await this.archive.find(sagaId))?.position ?? 0) : 0;
  }

  /** Reads a saga's records where they are: in the log, or in the archive of what was cut off it. */
  private readerOf(sagaId: string): ReadFrom {
    const { archive, wal } = this;
    let stretch: readonly WalRecord[] = [];
    return async function* from(position) {
      if (position >= (archive.endLsn ?? 0)) yield* wal.read(position);
      else {
        let at = stretch.findIndex(({ lsn }) => lsn === position);
        if (at === -1) {
          stretch = await archive.history(sagaId, position);
          at = stretch.findIndex(({ lsn }) => lsn === position);
        }
        if (at !== -1) yield* stretch.slice(at);
      }
    };
  }

  async state(sagaId: string): Promise<SagaState | undefined> {
    this.guard();
    const node = this.tree.get(sagaId)?.node;
    if (node?.damage !== undefined) throw new RecordUnreadableError(node.damage.position, node.damage.why);
    const state = node === undefined ? undefined : stateOf(node);
    if (state !== undefined) return state;
    return await this.atPlaceOf<SagaState | undefined>(sagaId, undefined, (position) =>
      readState(this.readerOf(sagaId), sagaId, position),
    );
  }

  override async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    const query = listQuery(filter);
    // Both in one turn: a saga that is archived meanwhile is in the one or in the other.
    const [live, archived] = [this.tree.list(query), this.archive.list(query)];
    const found = [...live, ...(await archived)].sort((left, right) => right.birth - left.birth);
    return pageOf(query, found.slice(0, query.limit));
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

/** The archive beside a log, which must begin where the archive ends, or before, and end no earlier than it did once. */
async function openArchive(
  path: string,
  wal: Wal,
  { archivedTo, archivedFrom = Infinity }: LogReplay,
  { files, clock }: ResolvedJournalOptions,
): Promise<Archive> {
  const folder = `${path}/archive`;
  const archive = await Archive.open({ files, clock, folder, journalId: wal.id });
  const end = archive.endLsn ?? 0;
  if (end > wal.durableLsn) throw damage(folder, `it ends at ${end}, and the log ends before it, at ${wal.durableLsn}`);
  if (end < wal.firstLsn && wal.firstLsn >= wal.segmentBytes)
    throw damage(folder, `it ends at ${end}, and the log begins behind it, at ${wal.firstLsn}`);
  if (end < archivedTo)
    throw damage(
      folder,
      `it ends at ${end}, and ended at ${archivedTo} when the checkpoint was made: a file is missing`,
    );
  const begin = archive.startLsn ?? 0;
  if (begin > archivedFrom)
    throw damage(
      folder,
      `it begins at ${begin}, and began at ${archivedFrom} when the checkpoint was made: a file is missing`,
    );
  return archive;
}

/**
 * Opens the journal in a folder, which is made when it is not there: saga records in the write-ahead log.
 *
 * Opening begins at the newest whole checkpoint, which holds the unfinished sagas; a new one is made while appends go on
 * after every `checkpointBytes` of log, and at closing.
 *
 * @param path the data folder; one opener at a time, of all processes.
 * @param options those of the log (segment size, flush bounds, the ports `files`, `clock`, `observer`), `snapshotEvery`,
 *   `checkpointBytes`, `retention` and `tombstoneRetention`.
 * @returns a journal whose `append` resolves only after the records are on the disk.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when the log is damaged anywhere but in an unfinished write at its end; nothing is changed.
 * @throws {RecordUnreadableError} when the log is none of sagas, or a newer version wrote its checkpoint. A record that cannot
 *   be read stops its own saga and no other: {@link Journal.unreadable}.
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
  try {
    const archive = await openArchive(path, wal, replay, resolved);
    replay.tree.dropFinishedBefore(archive.endLsn ?? 0);
    replay.tree.sort();
    const journal = new WalJournal(path, wal, archive, replay, resolved);
    await journal.heal();
    return journal;
  } catch (error) {
    await wal.close();
    throw error;
  }
}
