import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { Duration } from '../time/duration.ts';
import { sagaFirstRetention, type SagaFirstStore } from './saga-first-store.ts';
import { TableStore } from './table-store.ts';

class MemorySagaFirstStore extends TableStore {
  private readonly clock: Clock;

  constructor(clock: Clock, retention: Duration) {
    super(new Map(), retention);
    this.clock = clock;
  }

  protected now(): number {
    return this.clock.now();
  }

  protected persist(): Promise<void> {
    return Promise.resolve();
  }

  protected release(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * A store that lives and dies with the process, for tests: it keeps the contract of {@link SagaFirstStore} except that
 * nothing survives.
 *
 * @param options.clock Default {@link systemClock}.
 * @param options.retention how long closed steps are remembered. Default `'30d'`.
 * @example
 * const store = memorySagaFirstStore();
 * (await store.list({ statuses: ['registered'] })).items // => []
 */
export function memorySagaFirstStore(
  options: { readonly clock?: Clock; readonly retention?: Duration } = {},
): SagaFirstStore {
  return new MemorySagaFirstStore(options.clock ?? systemClock, options.retention ?? sagaFirstRetention);
}
