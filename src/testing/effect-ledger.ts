/** One effect that a participant was asked for, by its idempotency key without the last word. */
export interface EffectEntry {
  /** How often the action took effect; more than once is a double. */
  readonly applied: number;
  /** How often the compensation took effect. */
  readonly undone: number;
  /** Calls of either, answered or not. */
  readonly calls: number;
}

/** What is wrong with the effects, by operation; all empty when nothing is. */
export interface EffectAudit {
  /** Applied more than once, or undone more than once. */
  readonly doubles: readonly string[];
  /** Should stand and does not. */
  readonly lost: readonly string[];
  /** Stands and should not: never undone, or applied after its undo. */
  readonly strays: readonly string[];
}

/** What really happened at a participant: the judge of a test, outside of what is tested. */
export interface EffectOracle {
  /** Every operation that was asked for. */
  readonly entries: ReadonlyMap<string, EffectEntry>;
  /** Operations whose effect stands, sorted. */
  readonly standing: readonly string[];
  /** Operations that were applied and are undone, sorted. */
  readonly undone: readonly string[];
  /** Compares with the operations that should stand, such as `['order-1/charge']`. */
  audit(expected: readonly string[]): EffectAudit;
}

/** Counts effects by operation. */
export class EffectLedger implements EffectOracle {
  readonly entries: Map<string, { applied: number; undone: number; calls: number }> = new Map();

  of(operation: string): { applied: number; undone: number; calls: number } {
    let entry = this.entries.get(operation);
    if (entry === undefined) this.entries.set(operation, (entry = { applied: 0, undone: 0, calls: 0 }));
    return entry;
  }

  get standing(): readonly string[] {
    return this.where(({ applied, undone }) => applied > undone);
  }

  get undone(): readonly string[] {
    return this.where(({ applied, undone }) => applied > 0 && undone >= applied);
  }

  audit(expected: readonly string[]): EffectAudit {
    const { standing } = this;
    return {
      doubles: this.where(({ applied, undone }) => applied > 1 || undone > 1),
      lost: expected.filter((operation) => !standing.includes(operation)).toSorted(),
      strays: standing.filter((operation) => !expected.includes(operation)),
    };
  }

  private where(test: (entry: EffectEntry) => boolean): readonly string[] {
    return [...this.entries]
      .filter(([, entry]) => test(entry))
      .map(([operation]) => operation)
      .toSorted();
  }
}
