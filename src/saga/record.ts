import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';

/** Why a saga is being undone. */
export type CompensationReason = 'failed' | 'attempts-exhausted' | 'deadline';

/** Which of a step's two calls is meant. */
export type StepPhase = 'action' | 'compensation';

/** What each kind of record says, by its `type`. The saga's whole history is a list of these. */
export interface SagaRecordData {
  /** The saga was accepted. Always the first record. `steps` makes the history readable without the code. */
  'saga-started': {
    readonly name: string;
    readonly version: string;
    /** Structural hash of the definition that was pinned. */
    readonly definition: string;
    readonly steps: readonly string[];
    readonly input: JsonValue;
    readonly headers?: Readonly<Record<string, string>>;
    /** Milliseconds since 1970 after which no action starts. */
    readonly deadlineAt?: number;
  };
  /** An attempt of the action is about to be made; written before the call. */
  'step-started': { readonly step: string; readonly attempt: number };
  /** The action's effect is applied; `output` is what it answered. */
  'step-confirmed': {
    readonly step: string;
    readonly attempt: number;
    readonly output: JsonValue;
    /** Until then an earlier attempt, whose handler has not returned, may still be on its way. */
    readonly settleAt?: number;
  };
  /** An attempt failed, its effect is unknown, and another will be made at `retryAt` (ms since 1970). */
  'attempt-failed': {
    readonly step: string;
    readonly attempt: number;
    readonly failure: Failure;
    readonly delayMs: number;
    readonly retryAt: number;
    /** Until then the attempt may still be on its way; absent when its handler has returned. */
    readonly settleAt?: number;
  };
  /** The action failed for certain and was not applied. */
  'step-failed': {
    readonly step: string;
    readonly attempt: number;
    readonly failure: Failure;
    readonly settleAt?: number;
  };
  /** No further attempt will be made and nobody knows whether the effect was applied. */
  'step-unknown': {
    readonly step: string;
    readonly attempt: number;
    readonly failure: Failure;
    readonly settleAt?: number;
  };
  /** A handler that had outlived its time-out has returned: nothing of this step is on its way any more. */
  'step-settled': { readonly step: string };
  /** From here on the saga is undone. */
  'saga-compensating': { readonly reason: CompensationReason; readonly failure: Failure };
  /** An attempt of the compensation is about to be made; written before the call. */
  'compensation-started': { readonly step: string; readonly attempt: number };
  /** An attempt of the compensation failed and another will be made at `retryAt` (ms since 1970). */
  'compensation-attempt-failed': {
    readonly step: string;
    readonly attempt: number;
    readonly failure: Failure;
    readonly delayMs: number;
    readonly retryAt: number;
  };
  /** The step is undone. */
  'step-compensated': { readonly step: string; readonly attempt: number };
  /** Automation has given up; a person must decide. `step` is absent when the saga's output could not be made. */
  escalated: { readonly step?: string; readonly phase: StepPhase; readonly failure: Failure };
  /** Every step is confirmed. The last record. */
  'saga-completed': { readonly output: JsonValue };
  /** Everything that was done is undone. The last record. */
  'saga-compensated': object;
}

/** The kinds of records. */
export type SagaRecordType = keyof SagaRecordData;

/** What every record carries beside its own data. */
export interface SagaRecordHeader {
  /** 1 for the saga's first record, then dense. */
  readonly seq: number;
  /** Which opening of the journal wrote it; grows with every take-over. */
  readonly epoch: number;
  /** Wall clock of the writer, ms since 1970. Order comes from `seq`, never from this. */
  readonly timestamp: number;
}

/** One entry of a saga's history, as it stands in the journal. */
export type SagaRecord = {
  [Type in SagaRecordType]: SagaRecordHeader & { readonly type: Type } & SagaRecordData[Type];
}[SagaRecordType];

/** A record of one kind. */
export type SagaRecordOf<Type extends SagaRecordType> = Extract<SagaRecord, { readonly type: Type }>;
