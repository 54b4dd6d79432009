import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import {
  type AppendCondition,
  type Journal,
  JournalClosedError,
  type PlacedRecord,
  type Position,
  type SagaFilter,
  type SagaPage,
} from './journal.ts';
import { listQuery, pageOf } from './list-query.ts';
import { stateOf } from './saga-node.ts';
import type { SagaTree } from './saga-tree.ts';
import type { UnreadableSaga } from './unreadable-saga.ts';

/** A journal that has its sagas in a tree in memory; where their records are is left to the kinds of it. */
export abstract class TreeJournal implements Journal {
  readonly epoch: number;
  protected readonly tree: SagaTree;
  private closed = false;
  private told = false;

  constructor(tree: SagaTree, epoch: number) {
    this.tree = tree;
    this.epoch = epoch;
  }

  abstract append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position>;
  abstract read(sagaId: string): Promise<readonly SagaRecord[]>;
  abstract history(sagaId: string): Promise<readonly PlacedRecord[]>;
  abstract after(position: Position): AsyncIterable<PlacedRecord>;
  abstract state(sagaId: string): Promise<SagaState | undefined>;

  // oxlint-disable-next-line typescript/require-await -- the contract is an AsyncIterable; other journals do wait
  async *open(): AsyncGenerator<SagaState> {
    this.guard();
    if (this.told) return;
    this.told = true;
    yield* this.tree.unfinished();
  }

  get unreadable(): readonly UnreadableSaga[] {
    return this.tree.damaged().flatMap(({ node }): readonly UnreadableSaga[] => {
      const state = node === undefined ? undefined : stateOf(node);
      if (node?.damage === undefined || state === undefined) return [];
      return [{ state, damage: node.damage, where: this.whereIs(node.damage.position) }];
    });
  }

  /** Where a position is, in words. */
  protected whereIs(position: Position): string {
    return `position ${position}`;
  }

  // oxlint-disable-next-line typescript/require-await -- `async` turns a refusal into a rejection
  async list(filter?: SagaFilter): Promise<SagaPage> {
    this.guard();
    const query = listQuery(filter);
    return pageOf(query, this.tree.list(query));
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
