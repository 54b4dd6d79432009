import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import {
  type AppendCondition,
  type Journal,
  JournalClosedError,
  type Position,
  type SagaFilter,
  type SagaPage,
} from './journal.ts';
import type { SagaCatalog } from './saga-catalog.ts';

/** A journal that knows every saga by a catalog in memory; where the records are is left to the kinds of it. */
export abstract class CatalogJournal implements Journal {
  readonly epoch: number;
  protected readonly catalog: SagaCatalog;
  private closed = false;

  constructor(catalog: SagaCatalog, epoch: number) {
    this.catalog = catalog;
    this.epoch = epoch;
  }

  abstract open(): AsyncIterable<SagaState>;
  abstract append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position>;
  abstract read(sagaId: string): Promise<readonly SagaRecord[]>;

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    return this.catalog.list(filter);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Throws after close. */
  protected guard(): void {
    if (this.closed) throw new JournalClosedError();
  }
}
