import type { SagaRecord } from '../saga/record.ts';
import { openWal, type Wal, type WalOptions } from '../wal/wal.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import {
  type AppendCondition,
  type Journal,
  JournalClosedError,
  type OpenSaga,
  type Position,
  type SagaFilter,
  type SagaPage,
  type SagaSummary,
  StaleEpochError,
} from './journal.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import { SagaCatalog } from './saga-catalog.ts';

/** Options of {@link openWalJournal}: those of the log. */
export type WalJournalOptions = Omit<WalOptions, 'onRecord'>;

/** What one scan of the log gathers: the catalog of all sagas, and the records of the unfinished ones. */
class LogScan {
  readonly catalog = new SagaCatalog();
  readonly unfinished = new Map<string, SagaRecord[]>();
  lastEpoch = 0;
  private previousId: string | undefined;

  note(entry: WalRecord): void {
    const record = decodeRecord(entry);
    // Records that follow each other in the log are read back as one run, so only where a run begins is kept.
    const runStart = this.previousId === entry.txId ? undefined : entry.lsn;
    this.previousId = entry.txId;
    this.lastEpoch = Math.max(this.lastEpoch, record.epoch);
    const known = this.catalog.claim(entry.txId, [record], record.seq - 1);
    this.catalog.confirm(known, [record], runStart);
    this.keep(entry.txId, record);
  }

  private keep(sagaId: string, record: SagaRecord): void {
    if (record.type === 'saga-completed' || record.type === 'saga-compensated') {
      this.unfinished.delete(sagaId);
      return;
    }
    const records = this.unfinished.get(sagaId);
    if (records === undefined) this.unfinished.set(sagaId, [record]);
    else records.push(record);
  }
}

class WalJournal implements Journal {
  readonly epoch: number;
  private readonly wal: Wal;
  private readonly catalog: SagaCatalog;
  private unfinished: Map<string, SagaRecord[]>;
  private closed = false;

  constructor(wal: Wal, scan: LogScan) {
    this.wal = wal;
    this.catalog = scan.catalog;
    this.unfinished = scan.unfinished;
    this.epoch = scan.lastEpoch + 1;
  }

  // oxlint-disable-next-line typescript/require-await -- the contract is an AsyncIterable; other journals do wait
  async *open(): AsyncGenerator<OpenSaga> {
    this.guard();
    const { unfinished } = this;
    this.unfinished = new Map();
    for (const [id, records] of unfinished) yield { id, records };
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    const entry = this.catalog.claim(sagaId, records, condition.expectedSeq);
    const position = await this.wal.append(records.map((record) => encodeRecord(sagaId, record)));
    this.catalog.confirm(entry, records, position);
    return position;
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    const records: SagaRecord[] = [];
    for (const position of this.catalog.positions(sagaId)) {
      for await (const entry of this.wal.read(position)) {
        if (entry.txId !== sagaId) break;
        const record = decodeRecord(entry);
        // Runs may overlap: two appends that happen to be neighbours in the log are two positions, but one run.
        if (record.seq > records.length) records.push(record);
      }
    }
    return records;
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async find(sagaId: string): Promise<SagaSummary | undefined> {
    this.guard();
    return this.catalog.find(sagaId);
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    return this.catalog.list(filter);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.wal.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private guard(): void {
    if (this.closed) throw new JournalClosedError();
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
  const wal = await openWal(path, { ...options, onRecord: (entry) => scan.note(entry) });
  return new WalJournal(wal, scan);
}
