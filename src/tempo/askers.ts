import type { ControlCommand, SagaCommand } from '../saga/command.ts';
import type { SagaState } from '../saga/state.ts';

/** Who waits for a control command to be durable, or refused. */
export class Askers {
  private readonly waiting = new Map<SagaCommand, PromiseWithResolvers<SagaState>>();

  get size(): number {
    return this.waiting.size;
  }

  /** Resolves with the state that the command led to, rejects when it is refused. */
  wait(command: ControlCommand): Promise<SagaState> {
    const asker = Promise.withResolvers<SagaState>();
    this.waiting.set(command, asker);
    return asker.promise;
  }

  answer(command: SagaCommand, state: SagaState): void {
    this.waiting.get(command)?.resolve(state);
    this.waiting.delete(command);
  }

  /** `false` when nobody waits for the command. */
  refuse(command: SagaCommand, error: unknown): boolean {
    this.waiting.get(command)?.reject(error);
    return this.waiting.delete(command);
  }

  refuseAll(error: unknown, but: readonly SagaCommand[] = []): void {
    for (const command of this.waiting.keys()) if (!but.includes(command)) this.refuse(command, error);
  }
}
