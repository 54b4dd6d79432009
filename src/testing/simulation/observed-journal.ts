import { AppendConflictError } from '../../journal/journal.ts';
import type { AppendCondition, Journal, PlacedRecord, Position, SagaFilter, SagaPage } from '../../journal/journal.ts';
import type { SagaRecord } from '../../saga/record.ts';
import type { SagaState } from '../../saga/state.ts';
import type { Issue } from './saga-track.ts';

/** Who is told what a process gives to its journal, and what comes of it. */
export interface JournalWatch {
  /** A journal was read: these sagas are unfinished. Then whatever it holds may be asked of it. */
  recovered(states: readonly SagaState[], journal: Journal): Promise<void>;
  issued(sagaId: string, records: readonly SagaRecord[]): Issue;
  durable(issue: Issue): void;
  /** Nothing was stored, for certain. */
  refused(issue: Issue): void;
}

/** A journal under a judge's eyes: he is told before whoever appended is. */
export class ObservedJournal implements Journal {
  private readonly inner: Journal;
  private readonly watch: JournalWatch;

  constructor(inner: Journal, watch: JournalWatch) {
    this.inner = inner;
    this.watch = watch;
  }

  get epoch(): number {
    return this.inner.epoch;
  }

  async *open(): AsyncGenerator<SagaState> {
    const states: SagaState[] = [];
    for await (const state of this.inner.open()) states.push(state);
    await this.watch.recovered(states, this.inner);
    yield* states;
  }

  append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position> {
    const issue = this.watch.issued(sagaId, records);
    return this.inner.append(sagaId, records, condition).then(
      (position) => {
        this.watch.durable(issue);
        return position;
      },
      (error: unknown) => {
        if (isRefusal(error)) this.watch.refused(issue);
        throw error;
      },
    );
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

const refusals: ReadonlySet<string> = new Set([
  'MAKEGOOD_JOURNAL_FULL',
  'MAKEGOOD_SAGA_PURGED',
  'MAKEGOOD_WAL_OVERLOADED',
]);

function isRefusal(error: unknown): boolean {
  if (error instanceof AppendConflictError) return true;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && refusals.has(code);
}
