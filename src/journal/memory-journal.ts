import type { SagaRecord } from '../saga/record.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { CatalogJournal } from './catalog-journal.ts';
import { type AppendCondition, type Journal, type Position, StaleEpochError } from './journal.ts';
import { SagaCatalog } from './saga-catalog.ts';

// Nothing here waits, so two appends cannot interleave; `async` only turns a refusal into a rejection.
/* oxlint-disable typescript/require-await -- nothing here waits, see above */
class MemoryJournal extends CatalogJournal {
  private appends = 0;
  private readonly histories = new Map<string, readonly SagaRecord[]>();

  constructor() {
    super(new SagaCatalog(), 1);
  }

  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    for (const id of this.catalog.unfinished()) {
      const state = foldRecords(id, this.recordsOf(id));
      if (state !== undefined) yield state;
    }
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    const entry = this.catalog.claim(sagaId, records, condition.expectedSeq);
    const position = this.appends++;
    this.histories.set(sagaId, [...this.recordsOf(sagaId), ...records]);
    this.catalog.confirm(entry, records, position);
    return position;
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    return this.recordsOf(sagaId);
  }

  private recordsOf(sagaId: string): readonly SagaRecord[] {
    return this.histories.get(sagaId) ?? [];
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
