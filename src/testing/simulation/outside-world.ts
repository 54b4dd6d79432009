/** What a participant knows of one step of one saga: the effects, kept outside of what is tested. */
export interface Operation {
  readonly sagaId: string;
  readonly step: string;
  /** How often the action took effect, and how often it was undone. */
  applied: number;
  undone: number;
  /** Whether an undoing was asked for: from then on the action must have no effect. */
  barred: boolean;
  /** What the action was answered with for good. */
  refused: boolean;
  /** Until then (the world's time) the participant is at it. */
  busyUntil: number | undefined;
}

/** Effects at all participants, by saga and step. */
export class OutsideWorld {
  private readonly sagas = new Map<string, Map<string, Operation>>();

  of(sagaId: string, step: string): Operation {
    let steps = this.sagas.get(sagaId);
    if (steps === undefined) this.sagas.set(sagaId, (steps = new Map()));
    let operation = steps.get(step);
    if (operation === undefined) {
      operation = { sagaId, step, applied: 0, undone: 0, barred: false, refused: false, busyUntil: undefined };
      steps.set(step, operation);
    }
    return operation;
  }

  /** Every operation of a saga that was ever asked for. */
  *operationsOf(sagaId: string): Iterable<Operation> {
    yield* this.sagas.get(sagaId)?.values() ?? [];
  }

  /** Forgets a saga that is over, and of which nothing is on its way any more. */
  forget(sagaId: string): void {
    this.sagas.delete(sagaId);
  }
}
