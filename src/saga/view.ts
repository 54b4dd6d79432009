import type { CallState } from './call-state.ts';
import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';
import type { ParentLink, RunLink } from './record.ts';
import type { SagaState } from './state.ts';
import type { SagaStatus, StepStatus } from './status.ts';
import type { StepState } from './step-state.ts';

/** The attempts of one call, for people and dashboards. Times are milliseconds since 1970. */
export interface CallView {
  readonly attempts: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly nextAttemptAt?: number;
  readonly failure?: Failure;
}

/** One step of a saga. */
export interface StepView extends CallView {
  readonly name: string;
  readonly state: StepStatus;
  readonly output?: JsonValue;
  /** When a sleep is over, or the wait for a signal. */
  readonly until?: number;
  /** The item, of a step that a `forEach` added. */
  readonly item?: JsonValue;
  /** Present once the participant is asked whether the action was applied. */
  readonly probe?: CallView;
  /** Present once the step is being undone. */
  readonly compensation?: CallView;
}

/** A saga at one position of the log, for people and dashboards. Times are milliseconds since 1970. */
export interface SagaView {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** `blocked`: unfinished, and no definition of its name, version and structure is registered here. */
  readonly status: Exclude<SagaStatus, 'deleted'> | 'blocked';
  readonly input: JsonValue;
  readonly output?: JsonValue;
  /** Why the saga is undone; absent while it goes forward. */
  readonly reason?: string;
  readonly failure?: Failure;
  /** The words of whoever cancelled or terminated it. */
  readonly cancelReason?: string;
  /** The saga that this one is a step of. */
  readonly parent?: ParentLink;
  /** Which run of a request it is, when it was made anew. */
  readonly run?: RunLink;
  /** Of the last record: how far this view has come. */
  readonly seq: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deadlineAt?: number;
  readonly steps: readonly StepView[];
}

type WithoutUndefined<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> };

/** Leaves out what is not known, so that a view shows only facts. */
function known<Value extends object>(value: Value): Partial<WithoutUndefined<Value>> {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries) as Partial<WithoutUndefined<Value>>;
}

function callView(call: CallState): CallView {
  const { attempts, startedAt, endedAt, retryAt: nextAttemptAt, failure } = call;
  return { attempts, ...known({ startedAt, endedAt, nextAttemptAt, failure }) };
}

function stepView(step: StepState): StepView {
  const { name, status: state, output, action, compensation, probe, facts } = step;
  const asked = probe.attempts > 0 ? { probe: callView(probe) } : {};
  const undone = compensation.attempts > 0 ? { compensation: callView(compensation) } : {};
  const { until, item } = facts;
  return { name, state, ...callView(action), ...known({ output, until, item }), ...asked, ...undone };
}

/**
 * What a saga's state shows to the outside.
 *
 * @internal
 */
export function viewOf(saga: SagaState): SagaView {
  const { id, name, version, input, createdAt, updatedAt, output, failure, deadlineAt, parent, run, seq } = saga;
  // One that was deleted is shown to nobody.
  const status = saga.status as SagaView['status'];
  const reason = status === 'terminated' ? status : saga.reason;
  const facts = known({ output, reason, failure, cancelReason: saga.said, deadlineAt, parent, run });
  return { id, name, version, status, input, createdAt, updatedAt, seq, ...facts, steps: saga.steps.map(stepView) };
}
