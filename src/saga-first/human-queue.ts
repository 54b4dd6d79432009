import { MakegoodError } from '../errors.ts';
import { checkName } from '../saga/names.ts';
import type { SagaFirstDraft } from '../saga/saga-first/saga-first-record.ts';
import type { SagaFirstState } from '../saga/saga-first/saga-first-state.ts';
import type { SagaFirstStore } from './saga-first-store.ts';

/** Steps that automation has given up, and what a person may decide about them. */
export interface SagaFirstAttention {
  /** The steps, by id: at most 1,000 at a time, those behind `after`. */
  list(options?: { readonly after?: string }): Promise<readonly SagaFirstState[]>;
  /**
   * Has the compensation tried again, with as many attempts as at first.
   *
   * @throws {SagaFirstNotWaitingError} when the step does not wait for a person, or no longer.
   */
  retry(id: string, options: { readonly by: string }): Promise<SagaFirstState>;
  /**
   * Says that it is done, by hand; automation is over.
   *
   * @throws {SagaFirstNotWaitingError} as `retry`.
   */
  resolve(id: string, options: { readonly by: string; readonly note: string }): Promise<SagaFirstState>;
}

/** A person decided about a step that does not wait for one, or that another person was faster with. */
export class SagaFirstNotWaitingError extends MakegoodError {
  readonly id: string;

  constructor(id: string, status: string) {
    super('MAKEGOOD_SAGA_FIRST_NOT_WAITING', `"${id}" does not wait for a person: it is ${status}`);
    this.id = id;
  }
}

/** The steps of a store that wait for a person; nothing is kept here, so nothing can be lost here. */
export class HumanQueue implements SagaFirstAttention {
  private readonly store: SagaFirstStore;

  constructor(store: SagaFirstStore) {
    this.store = store;
  }

  async list({ after }: { readonly after?: string } = {}): Promise<readonly SagaFirstState[]> {
    return (await this.store.list({ statuses: ['needs-human'], after, limit: 1000 })).items;
  }

  async retry(id: string, { by }: { readonly by: string }): Promise<SagaFirstState> {
    return this.decide(id, { type: 'reopened', by: checkName(by, 'by') });
  }

  async resolve(id: string, { by, note }: { readonly by: string; readonly note: string }): Promise<SagaFirstState> {
    return this.decide(id, { type: 'resolved', by: checkName(by, 'by'), note });
  }

  private async decide(id: string, draft: SagaFirstDraft): Promise<SagaFirstState> {
    const found = await this.store.read(id);
    if (found?.state.status !== 'needs-human') throw new SagaFirstNotWaitingError(id, found?.state.status ?? 'unknown');
    const { won, state } = await this.store.append(id, draft, found.state.seq);
    if (!won) throw new SagaFirstNotWaitingError(id, state.status);
    return state;
  }
}
