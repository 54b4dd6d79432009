import type { Journal } from '../journal/journal.ts';
import type { SagaState } from '../saga/state.ts';
import type { SagaStatus } from '../saga/status.ts';
import type { Versioned } from './versioned-source.ts';

const unfinished: readonly SagaStatus[] = ['running', 'waiting', 'compensating', 'needs-human'];

/**
 * The values that the unfinished sagas of a journal have seen, to warm a cache with before the first request: they are
 * what will be asked for next. A value may be old; whoever decides by it is told at the commit.
 *
 * @param journal any journal; it is only read.
 * @param valuesOf what a saga has seen, from its input and results: `[key, { value, version }]`, as often as there are.
 * @example
 * const cache = readCache({ source: await openLoggedSource<number>() });
 * await cache.warm(journalWarmth(memoryJournal(), () => [])) // => 0
 */
export async function* journalWarmth<Value>(
  journal: Journal,
  valuesOf: (saga: SagaState) => Iterable<readonly [key: string, versioned: Versioned<Value>]>,
): AsyncGenerator<readonly [key: string, versioned: Versioned<Value>]> {
  for (const status of unfinished) {
    let cursor: string | undefined;
    do {
      const page = await journal.list({ status, limit: 1000, cursor });
      for (const { id } of page.items) {
        const state = await journal.state(id);
        if (state !== undefined) yield* valuesOf(state);
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }
}
