import { applyRecord, type SagaState } from '../saga/state.ts';

/** Where a saga's records cease to be readable. */
export interface Damage {
  /** Where the record stands that cannot be read. */
  readonly position: number;
  /** Its place in its saga, which is the one behind the last that could be read. */
  readonly seq: number;
  readonly why: string;
}

/** An unfinished saga with a record that cannot be read. It is left alone, and so is everything that it keeps. */
export interface UnreadableSaga {
  /** As far as its records could be read; when not even the first could, its name is `unknown` and its version `0`. */
  readonly state: SagaState;
  readonly damage: Damage;
  /** Where the record stands, in words: its file and offset, or its row. */
  readonly where: string;
}

/**
 * What is known of a saga whose first record cannot be read: its id, and when that was written.
 *
 * @internal
 */
export function unknownSaga(id: string, timestamp: number): SagaState {
  const unknown = { name: 'unknown', version: '0', definition: '', steps: [], input: null };
  const state = applyRecord(id, undefined, { seq: 1, epoch: 0, timestamp, type: 'saga-started', ...unknown });
  return { ...state, seq: 0 };
}
