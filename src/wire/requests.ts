import type { RetryName } from '../retry/retry-spec.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { Duration } from '../time/duration.ts';
import type { WireRetry, WireStep } from './step.ts';

/** What a saga is started with. Without `steps` its name is that of a registered one. */
export interface StartRequest {
  /** Its id and idempotency key. Default: a new one. */
  readonly id?: string;
  readonly name: string;
  /** Default: the registered version, when there is one; `'1'` of a saga with steps. */
  readonly version?: string;
  /** Default `null`. */
  readonly input?: JsonValue;
  /** Sent with every call to a participant. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long it may go forward, from its acceptance. Default: no limit but the definition's. */
  readonly deadline?: Duration;
  /** The steps of a saga that is defined here and now. */
  readonly steps?: readonly WireStep[];
  /** With `steps`: whether they are undone one at a time, or as soon as all that was built on them is. Default `'sequential'`. */
  readonly compensate?: 'sequential' | 'parallel';
  /** With `steps`: what undoing does at a step that it cannot undo. Default `'hold'`. */
  readonly onStuck?: 'hold' | 'continue';
}

/** What is to be different when a saga is run anew. */
export interface RestartRequest {
  /** Of a registered saga: another version of its definition. Default: the one it was started with. */
  readonly version?: string;
  /** Default: the input of the run before. */
  readonly input?: JsonValue;
  /** Default: the headers of the run before. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long it may go forward. Default: as long as the run before. */
  readonly deadline?: Duration;
}

/** How long a saga may go forward from now. */
export interface RenewRequest {
  readonly deadline: Duration;
}

/** Why a saga is cancelled or terminated. */
export interface StopRequest {
  /** Kept in the saga's history. Default nothing. */
  readonly reason?: string;
}

/** What a person says when deciding about a step. */
export interface DecisionRequest {
  /** Why, and where the evidence is; kept in the saga's history. Default nothing. */
  readonly note?: string;
  /** `retry-with`: the input of the step's calls from here on. */
  readonly args?: JsonValue;
  /** `resolve`, `forward`: what the step counts as having answered. Default `null`. */
  readonly output?: JsonValue;
  /** The saga's last record that the decision was taken on; refused when there is a later one. Default: not asked. */
  readonly expectedSeq?: number;
}

/** A policy that is given to a step: its rules, or the name of some. */
export type PolicyRequest = WireRetry | RetryName;
