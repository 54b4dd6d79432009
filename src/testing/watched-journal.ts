import type { AppendCondition, Journal, PlacedRecord, Position, SagaFilter, SagaPage } from '../journal/journal.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';

/** A journal between another and its owner: whoever watches sees to the appends, all else passes through. */
export abstract class WatchedJournal implements Journal {
  protected readonly inner: Journal;

  constructor(inner: Journal) {
    this.inner = inner;
  }

  abstract append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position>;

  get epoch(): number {
    return this.inner.epoch;
  }

  open(): AsyncIterable<SagaState> {
    return this.inner.open();
  }

  get unreadable(): Journal['unreadable'] {
    return this.inner.unreadable;
  }

  read(sagaId: string): Promise<readonly SagaRecord[]> {
    return this.inner.read(sagaId);
  }

  history(sagaId: string): Promise<readonly PlacedRecord[]> {
    return this.inner.history(sagaId);
  }

  after(position: Position): AsyncIterable<PlacedRecord> {
    return this.inner.after(position);
  }

  state(sagaId: string): Promise<SagaState | undefined> {
    return this.inner.state(sagaId);
  }

  list(filter?: SagaFilter): Promise<SagaPage> {
    return this.inner.list(filter);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
