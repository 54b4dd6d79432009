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

/** Who waits for one saga to settle; each is told once, and may come or go while others are. */
export class SettleListeners {
  private list: readonly SettleListener[] = [];

  add(listener: SettleListener): void {
    this.list = [...this.list, listener];
  }

  forget(listener: SettleListener): void {
    this.list = this.list.filter((other) => other !== listener);
  }

  settled(state: SagaState): void {
    for (const listener of this.takeAll()) listener.settled(state);
  }

  broken(error: unknown): void {
    for (const listener of this.takeAll()) listener.broken(error);
  }

  private takeAll(): readonly SettleListener[] {
    const { list } = this;
    this.list = [];
    return list;
  }
}
