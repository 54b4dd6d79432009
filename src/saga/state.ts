/** The state of a saga: a fold over its records, and nothing else. */
import type { Failure } from './failure.ts';
import type { JsonValue } from './json-value.ts';
import { applyToStep, type StepRecord } from './apply-to-step.ts';
import { checkStep, type Precondition, preconditions, refuse } from './legal-records.ts';
import type { CompensationReason, ParentLink, RunLink, SagaRecord, SagaRecordOf } from './record.ts';
import { finishes, type SagaStatus, statusAfter } from './status.ts';
import { pendingStep, type StepState } from './step-state.ts';

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** One saga, as its records tell. Immutable: a later record makes a new one and leaves this to its readers. */
export interface SagaState {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly definition: string;
  readonly status: SagaStatus;
  readonly reason: CompensationReason | undefined;
  readonly failure: Failure | undefined;
  /** The words of whoever cancelled or terminated it. */
  readonly said: string | undefined;
  /** Whether nothing can follow; a terminated saga is finished once a person has closed it. */
  readonly finished: boolean;
  /** Since when a person is asked about the saga as a whole: its output could not be made. */
  readonly stuckSince: number | undefined;
  /** The saga that this one is a step of. */
  readonly parent: ParentLink | undefined;
  /** Which run of a request it is, when it was made anew. */
  readonly run: RunLink | undefined;
  /** What its definition was made of, where it is not one that is registered. */
  readonly plan: JsonValue | undefined;
  readonly input: JsonValue;
  readonly output: JsonValue | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineAt: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the last record applied. */
  readonly seq: number;
  readonly epoch: number;
  readonly steps: readonly StepState[];
}

function startState(id: string, record: SagaRecordOf<'saga-started'>): SagaState {
  return {
    id,
    name: record.name,
    version: record.version,
    definition: record.definition,
    status: 'running',
    reason: undefined,
    failure: undefined,
    said: undefined,
    finished: false,
    stuckSince: undefined,
    parent: record.parent,
    run: record.run,
    plan: record.plan,
    input: record.input,
    output: undefined,
    headers: record.headers ?? noHeaders,
    deadlineAt: record.deadlineAt,
    createdAt: record.timestamp,
    updatedAt: record.timestamp,
    seq: record.seq,
    epoch: record.epoch,
    steps: record.steps.map((step) => pendingStep(step)),
  };
}

function placeOf(steps: readonly StepState[], name: string): number {
  for (let index = 0; index < steps.length; index++) if (steps[index]?.name === name) return index;
  return -1;
}

/** Where the step stands that a record concerns, if it may; -1 when it concerns the saga as a whole. */
function checkedPlace({ steps }: SagaState, record: SagaRecord, rule: Precondition): number {
  if (!('step' in record) || record.step === undefined) return -1;
  const place = placeOf(steps, record.step);
  const step = steps[place];
  if (step === undefined) refuse(record, `the saga has no step "${record.step}"`);
  checkStep(record, step, rule);
  return place;
}

function replaceStep(state: SagaState, record: StepRecord, place: number, isOurs: boolean): readonly StepState[] {
  if (place === -1) return state.steps;
  const steps = isOurs ? (state.steps as StepState[]) : state.steps.slice();
  steps[place] = applyToStep(steps[place] as StepState, record);
  if (record.type === 'items-listed') steps.push(...itemSteps(record, place));
  return steps;
}

/** The steps of a `forEach`, one an item. */
function itemSteps({ step, items }: SagaRecordOf<'items-listed'>, of: number): readonly StepState[] {
  return items.map((item, place) => pendingStep(`${step}.${place}`, { of, item, place }));
}

/** The steps under another definition: those that have begun keep what they are, by name. */
function migratedSteps(state: SagaState, { steps }: SagaRecordOf<'saga-migrated'>): readonly StepState[] {
  const moved = steps.map((name) => state.steps.find((step) => step.name === name) ?? pendingStep(name));
  for (const step of state.steps) {
    const owner = step.facts.of === undefined ? undefined : state.steps[step.facts.of];
    if (owner !== undefined) moved.push({ ...step, facts: { ...step.facts, of: steps.indexOf(owner.name) } });
  }
  return moved;
}

/**
 * What a saga's state is after one more record: the only way a state comes to be, live or recovered.
 *
 * @param id the saga's id.
 * @param state the state so far; `undefined` before the first record.
 * @param record the next record; its `seq` must follow.
 * @param isOurs whether nobody else has the state or its list of steps, as when a list of records is folded: then they are
 *   changed instead of copied, unless the record is refused. Default `false`.
 * @returns a new state; the old one is untouched and still true for its log position.
 * @throws {IllegalRecordError} when the record cannot follow.
 * @internal
 */
export function applyRecord(
  id: string,
  state: SagaState | undefined,
  record: SagaRecord,
  isOurs: boolean = false,
): SagaState {
  if (state === undefined) {
    if (record.type !== 'saga-started') refuse(record, 'a saga begins with "saga-started"');
    if (record.seq !== 1) refuse(record, 'a saga begins with seq 1');
    return startState(id, record);
  }
  if (record.seq !== state.seq + 1) refuse(record, `expected seq ${state.seq + 1}`);
  if (record.epoch < state.epoch) refuse(record, `expected epoch ≥ ${state.epoch}, got ${record.epoch}`);
  const rule = preconditions[record.type];
  if (!rule.saga.includes(state.status)) refuse(record, `the saga is ${state.status}`);
  if (record.type === 'step-started' && state.reason !== undefined) refuse(record, 'the saga is being undone');
  const place = checkedPlace(state, record, rule);
  // Only now, since a state that is ours must not be half changed by a record that is refused. One copy a record otherwise,
  // changed before anybody sees it: this is the hot path of every saga.
  const next: Writable<SagaState> = isOurs ? state : { ...state };
  next.seq = record.seq;
  next.epoch = record.epoch;
  next.updatedAt = record.timestamp;
  next.status = statusAfter(state.status, record);
  next.finished = finishes(record);
  applyToSaga(next, record, place, isOurs);
  return next;
}

type Writable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

function applyToSaga(next: Writable<SagaState>, record: SagaRecord, place: number, isOurs: boolean): void {
  switch (record.type) {
    case 'saga-started':
    case 'saga-waiting':
    case 'saga-compensated':
    case 'saga-closed':
    case 'saga-deleted':
      return;
    case 'saga-compensating':
      next.reason = record.reason;
      next.failure = record.failure;
      next.said = record.cancelReason;
      return;
    case 'saga-held':
    case 'saga-completed':
      next.output = record.output;
      return;
    case 'saga-terminated':
      next.said = record.reason;
      return;
    case 'deadline-renewed':
      next.deadlineAt = record.deadlineAt;
      return;
    case 'saga-migrated':
      next.steps = migratedSteps(next, record);
      next.version = record.version;
      next.definition = record.definition;
      next.plan = undefined;
      return;
    case 'escalated':
      next.failure ??= record.failure;
      next.stuckSince = record.step === undefined ? record.timestamp : next.stuckSince;
      next.steps = replaceStep(next, record, place, isOurs);
      return;
    case 'human-decided':
      // Forward again: what made the saga turn round, or stop, is behind it.
      if (record.leadsTo === 'running') next.reason = next.failure = undefined;
      if (record.step === undefined) next.stuckSince = undefined;
      next.steps = replaceStep(next, record, place, isOurs);
      return;
    default:
      next.steps = replaceStep(next, record, place, isOurs);
  }
}

/**
 * The state of a saga after a list of its records, oldest first: for whoever keeps records somewhere else.
 *
 * @returns the state, or `undefined` for an empty list.
 * @throws {IllegalRecordError} when a record cannot follow the one before.
 * @example
 * foldRecords('order-1', []) // => undefined
 */
export function foldRecords(id: string, records: Iterable<SagaRecord>): SagaState | undefined {
  let state: SagaState | undefined;
  for (const record of records) state = applyRecord(id, state, record, true);
  return state;
}

/**
 * Whether a child has done all it had to do and waits for its parent's end.
 *
 * @internal
 */
export function isHeld({ status, output }: SagaState): boolean {
  return status === 'waiting' && output !== undefined;
}
