import { AppendConflictError } from '../../journal/journal.ts';
import type { AppendCondition, Journal, Position } from '../../journal/journal.ts';
import type { SagaRecord } from '../../saga/record.ts';
import type { SagaState } from '../../saga/state.ts';
import { WatchedJournal } from '../watched-journal.ts';
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
export class ObservedJournal extends WatchedJournal {
  private readonly watch: JournalWatch;

  constructor(inner: Journal, watch: JournalWatch) {
    super(inner);
    this.watch = watch;
  }

  override async *open(): AsyncGenerator<SagaState> {
    const states: SagaState[] = [];
    for await (const state of this.inner.open()) states.push(state);
    const [unreadable] = this.inner.unreadable;
    // Whoever reads here has written it: no record of theirs may be one that they cannot read.
    if (unreadable !== undefined)
      throw new Error(`saga "${unreadable.state.id}" cannot be read: ${unreadable.damage.why}`);
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
