import type { JsonValue } from '../saga/json-value.ts';
import type { StepStatus } from '../saga/status.ts';
import type { SagaView } from '../saga/view.ts';
import type { WireFailure, WireRetry } from './step.ts';

/** Where a saga stands; one that was deleted is not shown. */
export type WireStatus = Exclude<SagaView['status'], 'deleted'>;

/** The words of {@link WireStatus}. */
export const statuses: readonly WireStatus[] = [
  'running',
  'waiting',
  'compensating',
  'completed',
  'compensated',
  'needs-human',
  'blocked',
  'terminated',
];

/** Where a step, or its undoing, stands. */
export type WireStepState = StepStatus;

/** The attempts of a call. Times are RFC 3339, in UTC. */
export interface WireCallView {
  readonly attempts: number;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly nextAttemptAt?: string;
  readonly failure?: WireFailure;
}

/** The undoing of a step. */
export interface WireCompensationView extends WireCallView {
  /** `pending` as long as no attempt was made. */
  readonly state: WireStepState;
}

/** A step of a saga. */
export interface WireStepView extends WireCallView {
  readonly name: string;
  readonly state: WireStepState;
  readonly output?: JsonValue;
  /** When a pause is over, or the wait for a signal. */
  readonly until?: string;
  /** The item of a step that is one of many. */
  readonly item?: JsonValue;
  /** Present once the participant was asked whether the action was applied. */
  readonly probe?: WireCallView;
  readonly compensation: WireCompensationView;
}

/** A line of a list of sagas. */
export interface WireSagaLine {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly status: WireStatus;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A saga. */
export interface WireSagaView extends WireSagaLine {
  /** Absent where the credential does not allow to read payloads, as every input and output. */
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  /**
   * Why it is undone or stopped: `failed`, `attempts-exhausted`, `deadline`, `cancel`, `terminated`; or `unreadable`, of one
   * that is blocked by a record which cannot be read.
   */
  readonly reason?: string;
  readonly failure?: WireFailure;
  /** The words of whoever cancelled or terminated it. */
  readonly cancelReason?: string;
  /** The saga and the step that this one is. */
  readonly parent?: { readonly id: string; readonly step: string };
  /** Which run of a request it is, when it was made anew. */
  readonly run?: { readonly of: string; readonly number: number };
  readonly deadline?: string;
  /** Of its last record: how far this view has come. */
  readonly seq: number;
  readonly steps: readonly WireStepView[];
}

/** How a saga ended, or where it stands meanwhile. */
export interface WireOutcome {
  readonly id: string;
  readonly status: WireStatus;
  readonly output?: JsonValue;
  readonly reason?: string;
  readonly failure?: WireFailure;
  readonly cancelReason?: string;
}

/** A page of things; `nextCursor` leads to the next one, if there is any. */
export interface WirePage<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

/** A record of a saga's history. What else it says depends on its `type`. */
export interface WireRecord {
  /** Its place in the journal, which is the id of its event. */
  readonly offset: number;
  readonly sagaId: string;
  readonly seq: number;
  readonly epoch: number;
  readonly time: string;
  readonly type: string;
  readonly step?: string;
  readonly attempt?: number;
  /** On the last record of a saga: how it ended. */
  readonly status?: WireStatus;
  readonly [fact: string]: JsonValue | undefined;
}

/** Something that a person must decide. */
export interface WireAttentionItem {
  readonly sagaId: string;
  readonly sagaName: string;
  /** `null`: the saga as a whole. */
  readonly step: string | null;
  readonly reason: 'action' | 'compensation' | 'probe' | 'output' | 'terminated' | 'unreadable';
  readonly since: string;
  readonly generation: number;
  /** The saga's last record when this was seen; a decision may be bound to it. */
  readonly seq: number;
  readonly lastFailure?: WireFailure;
}

/** A policy that is given to a step. */
export interface WirePolicy {
  readonly saga: string;
  readonly step: string;
  readonly phase: 'action' | 'compensation';
  readonly retry: WireRetry;
}
