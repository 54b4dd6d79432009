import type { SagaRecord } from '../saga/record.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { type AppendCondition, type Journal, type Position, StaleEpochError } from './journal.ts';
import { nodeAfter } from './saga-node.ts';
import { SagaTree } from './saga-tree.ts';
import { TreeJournal } from './tree-journal.ts';

// Nothing here waits, so two appends cannot interleave; `async` only turns a refusal into a rejection.
/* oxlint-disable typescript/require-await -- nothing here waits, see above */
class MemoryJournal extends TreeJournal {
  private appends = 0;
  private readonly histories = new Map<string, SagaRecord[]>();

  constructor() {
    super(new SagaTree(), 1);
  }

  async append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    this.guard();
    if (condition.epoch !== this.epoch) throw new StaleEpochError(condition.epoch, this.epoch);
    const entry = this.tree.claim(sagaId, records, condition.expectedSeq);
    const position = this.appends++;
    const history = this.histories.get(sagaId);
    if (history === undefined) this.histories.set(sagaId, [...records]);
    else history.push(...records);
    this.tree.confirm(entry, nodeAfter(entry, records, condition.state, position));
    return position;
  }

  async read(sagaId: string): Promise<readonly SagaRecord[]> {
    this.guard();
    return [...(this.histories.get(sagaId) ?? [])];
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
