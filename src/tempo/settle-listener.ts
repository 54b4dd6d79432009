import type { SagaState } from '../saga/state.ts';
import { isTerminal } from '../saga/status.ts';

/** Called once when a saga has ended or waits for a person, or when its coordinator cannot go on. */
export interface SettleListener {
  settled(state: SagaState): void;
  broken(error: unknown): void;
}

/** Whether the saga has an outcome to tell: an end, or a wait for a person. */
export function isSettled(state: SagaState): boolean {
  return isTerminal(state.status) || state.status === 'needs-human';
}
