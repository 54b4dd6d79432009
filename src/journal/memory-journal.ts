import type { SagaRecord } from '../saga/record.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { type AppendCondition, type Journal, type PlacedRecord, type Position, StaleEpochError } from './journal.ts';
import { nodeAfter } from './saga-node.ts';
import { SagaTree } from './saga-tree.ts';
import { TreeJournal } from './tree-journal.ts';

// Nothing here waits, so two appends cannot interleave; `async` only turns a refusal into a rejection.
/* oxlint-disable typescript/require-await -- nothing here waits, see above */
class MemoryJournal extends TreeJournal {
  /** Every record in order; its place here is its position. */
  private readonly records: PlacedRecord[] = [];
  private readonly histories = new Map<string, PlacedRecord[]>();

  constructor() {
    super(new SagaTree(), 1);
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    const entry = this.tree.claim(sagaId, records, condition.expectedSeq);
    const position = this.records.length;
    const placed = records.map((record, place) => ({ position: position + place, sagaId, record }));
    this.records.push(...placed);
    const history = this.histories.get(sagaId);
    if (history === undefined) this.histories.set(sagaId, placed);
    else history.push(...placed);
    this.tree.confirm(entry, nodeAfter(entry, records, condition.state, position));
    return position;
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    return (await this.history(sagaId)).map(({ record }) => record);
  }

  async history(sagaId: string): Promise<readonly PlacedRecord[]> {
    this.guard();
    return [...(this.histories.get(sagaId) ?? [])];
  }

  async *after(position: Position): AsyncGenerator<PlacedRecord> {
    this.guard();
    for (let at = position + 1; at < this.records.length; at++) yield this.records[at] as PlacedRecord;
  }

  async state(sagaId: string): Promise<SagaState | undefined> {
    return foldRecords(sagaId, await this.read(sagaId));
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
