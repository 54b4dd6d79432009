import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';

/** Why a saga is being undone. */
export type CompensationReason = 'failed' | 'attempts-exhausted' | 'deadline' | 'cancel';

/** Which of a step's two calls is meant. */
export type StepPhase = 'action' | 'compensation';

/** Which of a step's calls is meant, the question whether its action was applied included. */
export type CallKind = StepPhase | 'probe';

/** What a person may decide about a step that automation has given up. */
export type HumanVerb = 'retry' | 'retry-with' | 'resolve' | 'skip' | 'forward';

/** The saga that started this one as a step of its own. */
export interface ParentLink {
  readonly id: string;
  readonly step: string;
}

/** Which run of a request this saga is, when it was made anew: the id of the first run, and its number from 2 on. */
export interface RunLink {
  readonly of: string;
  readonly number: number;
}

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
    /** Present in a child saga. */
    readonly parent?: ParentLink;
    /** Present in a saga that was made anew. */
    readonly run?: RunLink;
    /** What the definition was made of, where it is not one that is registered. */
    readonly plan?: JsonValue;
  };
  /** Nothing is left to do until a timer, a signal, a child or the parent speaks. */
  'saga-waiting': object;
  /** The step's `when` said no: it is not run and counts as done. Also a wait that the saga's undoing ended. */
  'step-skipped': { readonly step: string };
  /** A durable sleep, or the wait for a signal, has begun; `until` (ms since 1970) it is due, if ever. */
  'step-waiting': { readonly step: string; readonly until?: number };
  /** A signal for a step that waits for it, or will. */
  'signal-received': { readonly step: string; readonly payload: JsonValue };
  /** The items of a `forEach`, each of which is a step of its own from here on: `step.0`, `step.1`, … */
  'items-listed': { readonly step: string; readonly items: readonly JsonValue[] };
  /** An attempt of the action is about to be made; written before the call. */
  'step-started': {
    readonly step: string;
    readonly attempt: number;
    /** What the step's `pin` said when it was first decided upon; the same for every attempt. */
    readonly pin?: JsonValue;
  };
  /** The callee is still at it: it is asked again at `retryAt`, under the same attempt. */
  'attempt-in-progress': {
    readonly step: string;
    readonly phase: CallKind;
    readonly attempt: number;
    readonly retryAt: number;
  };
  /** The callee is about to be asked again. */
  'step-polled': { readonly step: string; readonly phase: CallKind; readonly attempt: number };
  /** A guard refused the call, which was not made: it takes its turn again at `retryAt` and costs nothing. */
  'attempt-postponed': {
    readonly step: string;
    readonly phase: CallKind;
    readonly attempt: number;
    readonly failure: Failure;
    readonly retryAt: number;
  };
  /** The action's effect is applied; `output` is what it answered. */
  'step-confirmed': {
    readonly step: string;
    readonly attempt: number;
    readonly output: JsonValue;
    /** Until then an earlier attempt, whose handler has not returned, may still be on its way. */
    readonly settleAt?: number;
  };
  /** An attempt failed and another will be made at `retryAt` (ms since 1970). */
  'attempt-failed': {
    readonly step: string;
    readonly attempt: number;
    readonly failure: Failure;
    /** `'none'` when nothing was sent or applied; absent when nobody knows. */
    readonly effect?: 'none';
    /** Whether the process died while the attempt was in its hands. */
    readonly crashed?: true;
    readonly delayMs: number;
    readonly retryAt: number;
    /** Until then the attempt may still be on its way; absent when its handler has returned. */
    readonly settleAt?: number;
  };
  /** The action was not applied, for certain, and no further attempt will be made. */
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
  /** From here on the saga is undone: by a failure, or by whoever cancelled it, in whose words. */
  'saga-compensating': {
    readonly reason: CompensationReason;
    readonly failure?: Failure;
    readonly cancelReason?: string;
  };
  /** The participant is about to be asked whether the action of a step of unknown outcome was applied. */
  'probe-started': { readonly step: string; readonly attempt: number };
  /** It could not tell, and will be asked again at `retryAt`. */
  'probe-failed': {
    readonly step: string;
    readonly attempt: number;
    readonly failure: Failure;
    readonly delayMs: number;
    readonly retryAt: number;
  };
  /** It could tell. `none`: nothing was applied, and nothing will be. */
  'probe-answered': {
    readonly step: string;
    readonly attempt: number;
    readonly effect: 'applied' | 'none';
    readonly output?: JsonValue;
  };
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
  escalated: { readonly step?: string; readonly phase: CallKind; readonly failure: Failure };
  /** A person has decided; by whom, and in whose words. */
  'human-decided': {
    readonly step?: string;
    readonly verb: HumanVerb;
    /** Where the saga stands then. */
    readonly leadsTo: 'running' | 'compensating' | 'needs-human';
    readonly by: string;
    readonly note?: string;
    /** `retry-with`: what the step's calls see as their input from here on. */
    readonly args?: JsonValue;
    /** `resolve` and `forward` of an action: what the step counts as having answered. */
    readonly output?: JsonValue;
  };
  /** Everything is confirmed, but the saga is a step of another, which may yet have it undone. */
  'saga-held': { readonly output: JsonValue };
  /** The saga goes on under another definition. */
  'saga-migrated': { readonly version: string; readonly definition: string; readonly steps: readonly string[] };
  /** It may go forward for longer; never for less long than before. */
  'deadline-renewed': { readonly deadlineAt: number };
  /** Stopped where it stood, nothing undone; a person looks after what is left. */
  'saga-terminated': { readonly by?: string; readonly reason?: string };
  /** The person has looked after it. The last record of a terminated saga. */
  'saga-closed': { readonly by: string; readonly note?: string };
  /** Somebody has taken a finished saga out of sight; its id stays taken. */
  'saga-deleted': { readonly by?: string };
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
