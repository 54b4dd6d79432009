import type { SagaEvent } from '../tempo/events.ts';
import type { Observer } from '../ports/observer.ts';

/** A record as the coordinator tells it when it is durable. */
export type RecordEvent = Extract<SagaEvent, { type: 'saga.record' }>;

/** Hears of records in the turn in which they become durable; must not throw, and only note them. */
export type FeedListener = (event: RecordEvent) => void;

/**
 * What a server hears of its coordinator: records, for those who wait for a saga or watch all of them, and whether the log
 * takes any.
 */
export class SagaFeed {
  /** To be given to the coordinator. */
  readonly observer: Observer<SagaEvent>;
  private readonly ofAll = new Set<FeedListener>();
  private readonly ofSaga = new Map<string, Set<FeedListener>>();
  private trouble: unknown;
  private isReady = false;

  constructor() {
    this.observer = (event) => {
      if (event.type === 'saga.record') this.tell(event);
      else if (event.type === 'tempo.recovered') this.isReady = true;
      else if (event.type === 'tempo.failed') this.fail(event.error);
    };
  }

  /** Whether what was opened has recovered, and the last append was taken. */
  get ready(): boolean {
    return this.isReady && this.trouble === undefined;
  }

  /** What the log said when it last refused an append; `undefined` when it takes them. */
  get failure(): unknown {
    return this.trouble;
  }

  /** The log has refused an append. The next one that it takes ends that. */
  fail(error: unknown): void {
    this.trouble = error;
  }

  /** Listens to the records of one saga, or of all; returns what ends it. */
  listen(sagaId: string | undefined, listener: FeedListener): () => void {
    if (sagaId === undefined) {
      this.ofAll.add(listener);
      return () => void this.ofAll.delete(listener);
    }
    const listeners = this.ofSaga.get(sagaId) ?? new Set();
    this.ofSaga.set(sagaId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.ofSaga.delete(sagaId);
    };
  }

  private tell(event: RecordEvent): void {
    this.trouble = undefined;
    for (const listener of this.ofAll) listener(event);
    for (const listener of this.ofSaga.get(event.sagaId) ?? []) listener(event);
  }
}
