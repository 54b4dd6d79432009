import type { SagaRecord } from '../saga/record.ts';
import { finishes, type SagaStatus, statusAfter } from '../saga/status.ts';
import { AppendConflictError, type SagaFilter, type SagaPage, type SagaSummary } from './journal.ts';

/** What the catalog knows of one saga. It is told to nobody before its first record is durable (`seq` 0). */
export interface CatalogEntry {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly createdAt: number;
  status: SagaStatus;
  /** Whether nothing can follow. */
  finished: boolean;
  updatedAt: number;
  /** Of the last durable record. */
  seq: number;
  /** Whether an append is on its way to the disk. */
  pending: boolean;
  /** Where the last append stands; each append knows the position of the one before. `undefined` before the first. */
  position: number | undefined;
}

/** What journals that keep an index in memory know of every saga: status, last record, last position. */
export class SagaCatalog {
  private readonly entries = new Map<string, CatalogEntry>();
  private readonly order: CatalogEntry[] = [];

  /**
   * Claims the place behind the saga's last record for these.
   *
   * @throws {AppendConflictError} when they do not follow it.
   */
  claim(sagaId: string, records: readonly SagaRecord[], expectedSeq: number): CatalogEntry {
    const known = this.entries.get(sagaId);
    const seq = known?.seq ?? 0;
    // An append in flight is there first, whether or not it will become durable.
    if (seq !== expectedSeq || !isDense(records, expectedSeq) || known?.pending === true) {
      throw new AppendConflictError(sagaId, expectedSeq, seq);
    }
    const entry = known ?? this.add(sagaId, records[0]);
    entry.pending = true;
    return entry;
  }

  /** Notes that claimed records are durable, and where they begin unless they belong to the append before. */
  confirm(entry: CatalogEntry, records: readonly SagaRecord[], position: number | undefined): void {
    for (const record of records) {
      entry.seq = record.seq;
      entry.updatedAt = record.timestamp;
      entry.status = statusAfter(entry.status, record);
      entry.finished = finishes(record);
    }
    entry.pending = false;
    if (position !== undefined) entry.position = position;
  }

  private add(id: string, record: SagaRecord | undefined): CatalogEntry {
    if (record?.type !== 'saga-started') {
      throw new TypeError(`Expected the first record of saga "${id}" to be saga-started, got ${record?.type}`);
    }
    const { name, version, timestamp: createdAt } = record;
    const before = {
      status: 'running',
      finished: false,
      updatedAt: createdAt,
      seq: 0,
      pending: false,
      position: undefined,
    } as const;
    const entry: CatalogEntry = { id, name, version, createdAt, ...before };
    this.entries.set(id, entry);
    this.order.push(entry);
    return entry;
  }

  /** Where the last append of a saga stands; `undefined` when there is none. */
  positionOf(sagaId: string): number | undefined {
    return this.entries.get(sagaId)?.position;
  }

  /** Ids of the unfinished sagas, oldest first. */
  unfinished(): readonly string[] {
    return this.order.filter((entry) => isDurable(entry) && !entry.finished).map(({ id }) => id);
  }

  /** Newest first; the cursor is the place in the order of creation where the next page begins. */
  list({ status, name, before, limit = 100, cursor }: SagaFilter = {}): SagaPage {
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
      throw new RangeError(`Expected limit to be an integer from 1 to 1000, got ${limit}`);
    }
    const items: SagaSummary[] = [];
    for (let place = this.readCursor(cursor); place >= 0; place--) {
      const entry = this.order[place];
      if (entry === undefined || !isDurable(entry) || (status !== undefined && entry.status !== status)) continue;
      if ((name !== undefined && entry.name !== name) || (before !== undefined && entry.createdAt >= before)) continue;
      if (items.length === limit) return { items, nextCursor: String(place) };
      items.push(summaryOf(entry));
    }
    return { items };
  }

  private readCursor(cursor: string | undefined): number {
    if (cursor === undefined) return this.order.length - 1;
    if (!/^\d{1,15}$/.test(cursor)) {
      throw new TypeError(`Expected cursor to be one that a list returned, got ${JSON.stringify(cursor)}`);
    }
    return Math.min(Number(cursor), this.order.length - 1);
  }
}

function isDense(records: readonly SagaRecord[], expectedSeq: number): boolean {
  return records.every((record, index) => record.seq === expectedSeq + index + 1);
}

function isDurable(entry: CatalogEntry): boolean {
  return entry.seq > 0;
}

function summaryOf({ id, name, version, status, createdAt, updatedAt }: CatalogEntry): SagaSummary {
  return { id, name, version, status, createdAt, updatedAt };
}
