import { JournalClosedError } from '../../../journal/journal.ts';
import type { SagaState } from '../../../saga/state.ts';
import type { SagaReader } from './saga-reader.ts';

/** Waits for sagas that others drive; one question for all who wait. */
export class SettledWatch {
  private readonly reader: SagaReader;
  private readonly shardOf: (sagaId: string) => number;
  private readonly waiting = new Map<string, Set<PromiseWithResolvers<SagaState>>>();
  private asking: Promise<void> | undefined;
  private askAgain = false;

  constructor(reader: SagaReader, shardOf: (sagaId: string) => number) {
    this.reader = reader;
    this.shardOf = shardOf;
  }

  get isWaiting(): boolean {
    return this.waiting.size > 0;
  }

  /** Whether anybody waits for a saga of one of these shards. */
  waitsFor(shards: ReadonlySet<number>): boolean {
    return [...this.waiting.keys()].some((id) => shards.has(this.shardOf(id)));
  }

  async settled(sagaId: string, signal: AbortSignal | undefined): Promise<SagaState> {
    signal?.throwIfAborted();
    const waiter = Promise.withResolvers<SagaState>();
    const waiters = this.waiting.get(sagaId) ?? new Set();
    this.waiting.set(sagaId, waiters.add(waiter));
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's own reason, untouched
    const abort = (): void => waiter.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.ask().catch(() => undefined);
    try {
      return await waiter.promise;
    } finally {
      signal?.removeEventListener('abort', abort);
      waiters.delete(waiter);
      if (waiters.size === 0 && this.waiting.get(sagaId) === waiters) this.waiting.delete(sagaId);
    }
  }

  /** Asks which of the awaited sagas have settled; who comes while it is being asked is asked for right after. */
  ask(): Promise<void> {
    if (this.asking !== undefined) {
      this.askAgain = true;
      return this.asking;
    }
    this.asking = this.askOnce().finally(() => {
      this.asking = undefined;
      if (this.askAgain) this.ask().catch(() => undefined);
    });
    return this.asking;
  }

  private async askOnce(): Promise<void> {
    // A turn for others that begin to wait now.
    await Promise.resolve();
    this.askAgain = false;
    const ids = [...this.waiting.keys()];
    if (ids.length === 0) return;
    const settled = await this.reader.settled(ids.map((id) => [this.shardOf(id), id] as const));
    await Promise.all(settled.map((id) => this.tell(id)));
  }

  private async tell(sagaId: string): Promise<void> {
    const state = await this.reader.state(this.shardOf(sagaId), sagaId);
    if (state === undefined) return;
    for (const waiter of this.waiting.get(sagaId) ?? []) waiter.resolve(state);
  }

  close(): void {
    for (const waiters of this.waiting.values()) for (const waiter of waiters) waiter.reject(new JournalClosedError());
  }
}
