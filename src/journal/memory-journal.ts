import type { SagaRecord } from '../saga/record.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';
import {
  type AppendCondition,
  type Journal,
  JournalClosedError,
  type Position,
  type SagaFilter,
  type SagaPage,
  type SagaSummary,
  StaleEpochError,
} from './journal.ts';
import { SagaCatalog } from './saga-catalog.ts';

// Nothing here waits, so two appends cannot interleave; `async` only turns a refusal into a rejection.
/* oxlint-disable typescript/require-await -- see above */
class MemoryJournal implements Journal {
  readonly epoch = 1;
  private readonly catalog = new SagaCatalog();
  private appends = 0;
  private readonly histories = new Map<string, SagaRecord[]>();
  private closed = false;

  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    for (const { id, status } of this.catalog.summaries()) {
      const state = isTerminal(status) ? undefined : foldRecords(id, this.recordsOf(id));
      if (state !== undefined) yield state;
    }
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    const entry = this.catalog.claim(sagaId, records, condition.expectedSeq);
    const position = this.appends++;
    const history = this.histories.get(sagaId);
    if (history === undefined) this.histories.set(sagaId, [...records]);
    else history.push(...records);
    this.catalog.confirm(entry, records, position);
    return position;
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    return this.recordsOf(sagaId);
  }

  async find(sagaId: string): Promise<SagaSummary | undefined> {
    this.guard();
    return this.catalog.find(sagaId);
  }

  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    return this.catalog.list(filter);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private recordsOf(sagaId: string): readonly SagaRecord[] {
    return this.histories.get(sagaId)?.slice() ?? [];
  }

  private guard(): void {
    if (this.closed) throw new JournalClosedError();
  }
}

/**
 * A journal that lives and dies with the process: for tests, and for sagas that need retries but no durability.
 * Keeps the contract of {@link Journal} except that nothing survives the process.
 *
 * @example
 * const journal = memoryJournal();
 * (await journal.list()).items // => []
 */
export function memoryJournal(): Journal {
  return new MemoryJournal();
}
