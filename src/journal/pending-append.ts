import type { SagaState } from '../saga/state.ts';
import type { WalWaiter } from '../wal/batch.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import type { WalEntry } from '../wal/wal-record.ts';
import type { CheckpointCycle } from './checkpoint-cycle.ts';
import type { Position } from './journal.ts';
import type { SagaFacts } from './saga-node.ts';
import type { SagaEntry, SagaTree } from './saga-tree.ts';
import { paceAfter } from './snapshot-record.ts';

// One executor for all promises: a closure an append would cost as much again as the promise.
let resolveNew: (position: Position) => void;
let rejectNew: (error: unknown) => void;
const executor = (resolve: (position: Position) => void, reject: (error: unknown) => void): void => {
  resolveNew = resolve;
  rejectNew = reject;
};

/** An append on its way to the disk. The tree takes it in the turn in which it becomes durable, then its caller is told. */
export class PendingAppend implements WalWaiter {
  readonly entry: SagaEntry;
  steps = 0;
  records = 0;
  carriesSnapshot = false;
  private readonly tree: SagaTree;
  private readonly cycle: CheckpointCycle;
  private readonly saga: SagaState | SagaFacts;
  private readonly timestamp: number;
  private readonly tellPosition: (position: Position) => void;
  private readonly tellError: (error: unknown) => void;
  private readonly promise: Promise<Position>;

  constructor(
    tree: SagaTree,
    cycle: CheckpointCycle,
    entry: SagaEntry,
    saga: SagaState | SagaFacts,
    timestamp: number,
  ) {
    this.tree = tree;
    this.cycle = cycle;
    this.entry = entry;
    this.saga = saga;
    this.timestamp = timestamp;
    this.promise = new Promise(executor);
    this.tellPosition = resolveNew;
    this.tellError = rejectNew;
  }

  writtenBy(wal: Wal, entries: readonly WalEntry[]): Promise<Position> {
    wal.appendWith(entries, this);
    return this.promise;
  }

  resolve(position: Position): void {
    const { entry, saga, steps, records } = this;
    const before = entry.node?.snapshot;
    let snapshot = 'steps' in saga ? before : undefined;
    if (this.carriesSnapshot && 'steps' in saga) snapshot = paceAfter(before, position, saga);
    this.tree.confirm(entry, { saga, birth: entry.node?.birth ?? position, position, snapshot, steps, records });
    this.cycle.noteAppend(position, this.timestamp);
    this.tellPosition(position);
  }

  reject(error: unknown): void {
    this.tree.release(this.entry);
    this.tellError(error);
  }
}
