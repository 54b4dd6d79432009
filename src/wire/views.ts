import type { JsonValue } from '../saga/json-value.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { CallView, SagaView, StepView } from '../saga/view.ts';
import type { WireAttentionItem, WireCallView, WireCompensationView, WireRecord, WireSagaLine } from './saga.ts';
import type { WireSagaView, WireStatus, WireStepState, WireStepView } from './saga.ts';

/** A time as the wire has it: RFC 3339, in UTC, to the millisecond. */
export function wireTime(ms: number): string {
  // The latest time that ISO 8601 can say; nothing that counts is later.
  return new Date(Math.min(Math.max(ms, 0), 8.64e15)).toISOString();
}

type Times<Names extends string> = { readonly [Name in Names]?: number | undefined };

/** The times that are known, as the wire has them. */
function times<Names extends string>(given: Times<Names>): { [Name in Names]?: string } {
  const said: { [Name in Names]?: string } = {};
  for (const name in given) {
    const ms = given[name];
    if (ms !== undefined) said[name] = wireTime(ms);
  }
  return said;
}

function known<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}

function callView({ attempts, startedAt, endedAt, nextAttemptAt, failure }: CallView): WireCallView {
  return { attempts, ...times({ startedAt, endedAt, nextAttemptAt }), ...known('failure', failure) };
}

/** Where the undoing of a step stands, told by where the step does. */
function undoingState({ state, compensation }: StepView): WireStepState {
  if (compensation === undefined) return 'pending';
  return state === 'compensated' || state === 'skipped' || state === 'needs-human' ? state : 'compensating';
}

function compensationView(step: StepView): WireCompensationView {
  return { state: undoingState(step), ...callView(step.compensation ?? { attempts: 0 }) };
}

function stepView(step: StepView, payloads: boolean): WireStepView {
  const { name, state, output, until, item, probe } = step;
  return {
    name,
    state,
    ...callView(step),
    ...(payloads ? { ...known('output', output), ...known('item', item) } : {}),
    ...times({ until }),
    ...(probe === undefined ? {} : { probe: callView(probe) }),
    compensation: compensationView(step),
  };
}

/** What every list knows of a saga. Times are milliseconds since 1970. */
type SagaFacts = Pick<SagaView, 'id' | 'name' | 'version' | 'status' | 'createdAt' | 'updatedAt'>;

/** A record, and its place in the journal. */
interface PlacedRecord {
  readonly position: number;
  readonly sagaId: string;
  readonly record: SagaRecord;
}

/**
 * A line of a list of sagas, as the wire has it.
 *
 * @internal
 */
export function sagaLine(saga: SagaFacts): WireSagaLine {
  const { id, name, version, status, createdAt, updatedAt } = saga;
  return { id, name, version, status, createdAt: wireTime(createdAt), updatedAt: wireTime(updatedAt) };
}

/**
 * A saga as the wire has it.
 *
 * @param payloads whether inputs and outputs are shown.
 * @internal
 */
export function sagaView(saga: SagaView, payloads: boolean): WireSagaView {
  const { input, output, reason, failure, cancelReason, parent, run, seq, deadlineAt, steps } = saga;
  return {
    ...sagaLine(saga),
    ...(payloads ? { input, ...known('output', output) } : {}),
    ...known('reason', reason),
    ...known('failure', failure),
    ...known('cancelReason', cancelReason),
    ...known('parent', parent),
    ...known('run', run),
    ...times({ deadline: deadlineAt }),
    seq,
    steps: steps.map((step) => stepView(step, payloads)),
  };
}

const ends: { readonly [Type in SagaRecord['type']]?: WireStatus } = {
  'saga-completed': 'completed',
  'saga-compensated': 'compensated',
  'saga-terminated': 'terminated',
};

const timeFacts: ReadonlySet<string> = new Set(['retryAt', 'settleAt', 'until', 'deadlineAt', 'at']);
const payloadFacts: ReadonlySet<string> = new Set([
  'input',
  'output',
  'payload',
  'items',
  'args',
  'plan',
  'pin',
  'headers',
]);

/**
 * A record of a history as the wire has it: times in words, and on the last record of a saga how it ended.
 *
 * @param payloads whether inputs, outputs and all that callers gave is shown.
 * @internal
 */
export function recordView({ position, sagaId, record }: PlacedRecord, payloads: boolean): WireRecord {
  const { seq, epoch, timestamp, type, ...rest } = record;
  const facts: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(rest) as [string, JsonValue][]) {
    if (payloadFacts.has(key) && !payloads) continue;
    facts[key] = timeFacts.has(key) && typeof value === 'number' ? wireTime(value) : value;
  }
  const status = ends[type];
  return {
    offset: position,
    sagaId,
    seq,
    epoch,
    time: wireTime(timestamp),
    type,
    ...facts,
    ...known('status', status),
  };
}

/** What waits for a person, as a coordinator tells it. `since` is milliseconds since 1970. */
type AttentionFacts = Omit<WireAttentionItem, 'since'> & { readonly since: number };

/**
 * Something that a person must decide, as the wire has it.
 *
 * @internal
 */
export function attentionView(item: AttentionFacts): WireAttentionItem {
  const { sagaId, sagaName, step, reason, since, generation, seq, lastFailure } = item;
  return {
    sagaId,
    sagaName,
    step,
    reason,
    since: wireTime(since),
    generation,
    seq,
    ...known('lastFailure', lastFailure),
  };
}
