import type { SagaRecord } from '../saga/record.ts';
import { IllegalRecordError } from '../saga/legal-records.ts';
import { applyRecord, type SagaState } from '../saga/state.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import { openWal } from '../wal/wal.ts';
import type { WalOptions } from '../wal/wal-options.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import { CatalogJournal } from './catalog-journal.ts';
import { type AppendCondition, AppendConflictError, type Journal, type Position, StaleEpochError } from './journal.ts';
import { decodeRecord, encodeRecord, RecordUnreadableError } from './record-codec.ts';
import { SagaCatalog } from './saga-catalog.ts';

/** Options of {@link openWalJournal}: those of the log. */
export type WalJournalOptions = Omit<WalOptions, 'onRecord'>;

/** What one scan of the log gathers: the catalog of all sagas, and the states of the unfinished ones. */
class LogScan {
  readonly catalog = new SagaCatalog();
  readonly unfinished = new Map<string, SagaState>();
  lastEpoch = 0;

  private note(entry: WalRecord): void {
    const { record, link } = decodeRecord(entry);
    this.lastEpoch = Math.max(this.lastEpoch, record.epoch);
    const known = this.catalog.claim(entry.txId, [record], record.seq - 1);
    this.catalog.confirm(known, [record], link === undefined ? undefined : entry.lsn);
    // Folded as they come: a log holds far more records than unfinished sagas.
    const state = applyRecord(entry.txId, this.unfinished.get(entry.txId), record);
    if (state.finished) this.unfinished.delete(entry.txId);
    else this.unfinished.set(entry.txId, state);
  }

  /** As {@link note}; what cannot be a saga's next record is told with its place in the log. */
  noteOrRefuse(entry: WalRecord): void {
    try {
      this.note(entry);
    } catch (error) {
      if (!(error instanceof IllegalRecordError || error instanceof AppendConflictError)) throw error;
      throw new RecordUnreadableError(entry.lsn, `in saga "${entry.txId}", ${error.message}`, { cause: error });
    }
  }
}

class WalJournal extends CatalogJournal {
  private readonly wal: Wal;
  private unfinished: Map<string, SagaState>;

  constructor(wal: Wal, scan: LogScan) {
    super(scan.catalog, scan.lastEpoch + 1);
    this.wal = wal;
    this.unfinished = scan.unfinished;
  }

  // oxlint-disable-next-line typescript/require-await -- the contract is an AsyncIterable; other journals do wait
  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    const { unfinished } = this;
    this.unfinished = new Map();
    for (const [id, state] of unfinished) {
      unfinished.delete(id);
      yield state;
    }
  }

  append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    try {
      this.guard();
      if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
      const entry = this.catalog.claim(sagaId, records, condition.expectedSeq);
      const link = entry.position ?? 0;
      const entries = records.map((record, index) => encodeRecord(sagaId, record, index === 0 ? link : undefined));
      const written = this.wal.append(entries);
      return written.then((position) => {
        this.catalog.confirm(entry, records, position);
        return position;
      });
    } catch (error) {
      // Not `async`, which would cost the hot path another promise; a refusal is a rejection all the same.
      return Promise.reject(error);
    }
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    const appends: SagaRecord[][] = [];
    let position = this.catalog.positionOf(sagaId);
    while (position !== undefined) {
      const append = await this.readAppend(sagaId, position);
      appends.push(append.records);
      position = append.link === 0 ? undefined : append.link;
    }
    return appends.toReversed().flat();
  }

  /** The records of one append: the linked one at its position, and those right behind it that have no link. */
  private async readAppend(sagaId: string, position: Position): Promise<{ records: SagaRecord[]; link: number }> {
    const records: SagaRecord[] = [];
    let first: number | undefined;
    for await (const entry of this.wal.read(position)) {
      if (entry.txId !== sagaId) break;
      const { record, link } = decodeRecord(entry);
      if (records.length > 0 && link !== undefined) break;
      first ??= link;
      records.push(record);
    }
    if (first === undefined || first >= position) throw new RecordUnreadableError(position, 'no append begins there');
    return { records, link: first };
  }

  override async close(): Promise<void> {
    await super.close();
    await this.wal.close();
  }
}

/**
 * Opens the journal in a folder, which is made when it is not there: saga records in the write-ahead log.
 *
 * @param path the data folder; one opener at a time, of all processes.
 * @param options those of the log: segment size, flush bounds, and the ports `files`, `clock`, `observer`.
 * @returns a journal whose `append` resolves only after the records are on the disk.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when the log is damaged anywhere but in an unfinished write at its end; nothing is changed.
 * @throws {RecordUnreadableError} when a newer version wrote the log.
 * @example
 * await using journal = await openWalJournal('./makegood-data');
 * (await journal.list()).items // => []
 */
export async function openWalJournal(path: string, options: WalJournalOptions = {}): Promise<Journal> {
  const scan = new LogScan();
  const wal = await openWal(path, { ...options, onRecord: (entry) => scan.noteOrRefuse(entry) });
  return new WalJournal(wal, scan);
}
