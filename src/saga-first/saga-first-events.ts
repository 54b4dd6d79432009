import type { Failure } from '../saga/failure.ts';
import type { SagaFirstStatus } from '../saga/saga-first/saga-first-state.ts';

/** What saga-first calls and compensators tell their observer. */
export type SagaFirstEvent =
  /** A step has come to an end, or to a person. */
  | {
      readonly type: 'saga-first.settled';
      readonly id: string;
      readonly status: SagaFirstStatus;
      readonly failure: Failure | undefined;
    }
  /** The compensation of this name is not known here; another compensator must finish the step. */
  | { readonly type: 'saga-first.blocked'; readonly id: string; readonly compensation: string }
  /** The store failed during a pass; the next pass tries again. */
  | { readonly type: 'compensator.failed'; readonly error: unknown }
  /** A checkpoint of a store on a log could not be made; it is tried again, and costs time at the next opening. */
  | { readonly type: 'saga-first.checkpoint-failed'; readonly error: unknown };
