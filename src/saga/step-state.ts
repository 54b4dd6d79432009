import { type CallState, noCall } from './call-state.ts';
import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';
import type { CallKind } from './record.ts';
import type { StepStatus } from './status.ts';

/** What few steps have to say; most share one object that says nothing. */
export interface StepFacts {
  /** Place of its definition, of a step that a `forEach` added; `undefined`: its own place. */
  readonly of?: number;
  /** Its item, of a step that a `forEach` added, and the item's place. */
  readonly item?: JsonValue;
  readonly place?: number;
  /** How many items a `forEach` has listed. */
  readonly items?: number;
  /** When a sleep is over, or the wait for a signal. */
  readonly until?: number;
  /** The payload of a signal that has come, in a list of one since it may be anything. */
  readonly signal?: readonly [JsonValue];
  readonly pin?: JsonValue;
  /** What a person gave its calls as their input, in a list of one. */
  readonly args?: readonly [JsonValue];
  /** Which of its calls automation gave up, why, and since when. */
  readonly stuck?: { readonly phase: CallKind; readonly failure: Failure; readonly since: number };
  /** How often a person has decided about it. */
  readonly generation?: number;
  /** Whether an attempt may have been applied: one that failed without saying that it was not. */
  readonly mayBeApplied?: true;
}

/** One step of a saga, as its records tell. */
export interface StepState {
  readonly name: string;
  readonly status: StepStatus;
  readonly output: JsonValue | undefined;
  /** Its place in the order of undoing: `seq` of its confirmation, or of its last start while there is none. */
  readonly rank: number;
  /** Until then (ms since 1970) a call that timed out may still be on its way. */
  readonly settleAt: number | undefined;
  readonly action: CallState;
  readonly compensation: CallState;
  /** The question whether the action was applied, of a step with a status probe. */
  readonly probe: CallState;
  readonly facts: StepFacts;
}

/** Nothing to say. */
export const noFacts: StepFacts = Object.freeze({});

/** A step before its first record. */
export function pendingStep(name: string, facts: StepFacts = noFacts): StepState {
  return {
    name,
    status: 'pending',
    output: undefined,
    rank: 0,
    settleAt: undefined,
    action: noCall,
    compensation: noCall,
    probe: noCall,
    facts,
  };
}
