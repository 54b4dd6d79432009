import type { Failure } from '../failure.ts';
import type { JsonValue } from '../json-value.ts';

/** What is registered before the operation: how to undo it, and what both sides must know. */
export interface CompensationRegistration {
  /** Which compensation, by the name that every compensator knows it by. */
  readonly name: string;
  /** What it is called with. */
  readonly args: JsonValue;
  /** The idempotency key of the operation; the compensation's is made of the same id. */
  readonly operationKey: string;
  /** How long after an attempt was begun it may still take effect: its time-out, and its flight. In ms. */
  readonly settleAfterMs: number;
  /** The version of the code that registered it. */
  readonly version: string;
}

/** Why an operation is to be undone. */
export type TriggerReason = 'failed' | 'attempts-exhausted' | 'abandoned' | 'saga-aborted' | 'human';

/** What each kind of record of a saga-first step says, by its `type`. */
export interface SagaFirstRecordData {
  /** REGISTERED: the compensation is durable; only now may the operation be sent. Always the first record. */
  registered: CompensationRegistration;
  /** ATTEMPT: a call is about to be made, the operation's or the compensation's; counted before it is made. */
  attempted: { readonly phase: 'operation' | 'compensation'; readonly attempt: number };
  /** CONFIRMED: the operation took effect, and its caller may be told. */
  confirmed: { readonly result: JsonValue };
  /** TRIGGERED: the operation is to be undone. */
  triggered: {
    readonly reason: TriggerReason;
    readonly failure?: Failure;
    /** Whether a call of the operation may still be on its way: then nothing is undone before its settle time. */
    readonly mayArrive?: true;
  };
  /** COMPENSATED: undone. */
  compensated: object;
  /** NOOP: there was nothing to undo, and there never will be. */
  noop: object;
  /** ESCALATED: automation has given up; a person must decide. */
  escalated: { readonly failure: Failure };
  /** RESOLVED: a person has seen to it. */
  resolved: { readonly by: string; readonly note: string };
  /** A person wants the compensation tried again, with as many attempts as at first. */
  reopened: { readonly by: string };
  /** RELEASED: the saga is complete; the compensation can never run again. */
  released: object;
}

/** The kinds of records of a saga-first step. */
export type SagaFirstRecordType = keyof SagaFirstRecordData;

/** A record as a writer makes it. */
export type SagaFirstDraft = {
  [Type in SagaFirstRecordType]: { readonly type: Type } & SagaFirstRecordData[Type];
}[SagaFirstRecordType];

/** A record as the store keeps it. */
export type SagaFirstRecord = SagaFirstDraft & {
  /** 1 for the first record of a step, then dense: the first writer of a number wins it. */
  readonly seq: number;
  /** The store's own clock, ms since 1970. */
  readonly at: number;
};
