import type { SagaDefinition } from '../../saga/definition.ts';
import type { SagaRecord } from '../../saga/record.ts';
import type { SagaState } from '../../saga/state.ts';
import { TraceHash } from './trace-hash.ts';
import type { CallShape, SagaShape } from './shape.ts';

/** Records that were given to the journal and of which nobody knows yet whether they are durable. */
export interface Issue {
  readonly sagaId: string;
  readonly records: readonly SagaRecord[];
  /** Its place among all that were given to the journal. */
  readonly order: number;
}

/** What the judge knows of one saga: what its journal must hold, and what was done to it. */
export class SagaTrack {
  readonly id: string;
  readonly shape: SagaShape;
  readonly calls: ReadonlyMap<string, CallShape>;
  readonly definition: SagaDefinition;
  /** After the last record that is known to be durable. */
  state: SagaState | undefined;
  /** Whether a client was told that it is accepted. */
  promised = false;
  /** Steps about which a person has decided: what they left behind is the person's affair. */
  readonly byHand: Set<string> = new Set();
  /** Steps that were given up before they were undone, because nobody knows whether they happened. */
  readonly unknown: Set<string> = new Set();
  /** Attempts that count, by step and phase. */
  readonly counted: Map<string, number> = new Map();
  readonly hash: TraceHash = new TraceHash();
  /** When its last record became durable, in the world's time. */
  movedAt = 0;

  constructor(id: string, shape: SagaShape, calls: ReadonlyMap<string, CallShape>, definition: SagaDefinition) {
    this.id = id;
    this.shape = shape;
    this.calls = calls;
    this.definition = definition;
  }

  get seq(): number {
    return this.state?.seq ?? 0;
  }

  /** The call of a step; an item of a list has that of its list. */
  callOf(step: string): CallShape | undefined {
    return this.calls.get(step) ?? this.calls.get(step.replace(/\.\d+$/, ''));
  }
}
