import { MakegoodError } from '../errors.ts';
import type { Failure } from '../saga/failure.ts';
import type { SagaFirstState } from '../saga/saga-first/saga-first-state.ts';

/** The operation failed, and whatever it did is undone. `cause` is its own last error, when this process has seen it. */
export class SagaFirstUndoneError extends MakegoodError {
  readonly id: string;
  readonly failure: Failure | undefined;

  constructor({ id, failure, reason = 'abandoned' }: SagaFirstState, cause: unknown) {
    const why = failure === undefined ? reason : `${failure.message} (${failure.code})`;
    super('MAKEGOOD_SAGA_FIRST_UNDONE', `"${id}" was undone: ${why}`, cause === undefined ? undefined : { cause });
    this.id = id;
    this.failure = failure;
  }
}

/** Automation has given up on the step: it is neither known to be done nor undone. */
export class SagaFirstNeedsHumanError extends MakegoodError {
  readonly id: string;
  readonly failure: Failure | undefined;

  constructor({ id, failure }: SagaFirstState, cause: unknown) {
    const why = failure === undefined ? '' : `: ${failure.message} (${failure.code})`;
    super(
      'MAKEGOOD_SAGA_FIRST_NEEDS_HUMAN',
      `"${id}" needs a person${why}`,
      cause === undefined ? undefined : { cause },
    );
    this.id = id;
    this.failure = failure;
  }
}
