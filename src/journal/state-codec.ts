/**
 * States of sagas as text: whole, or as what changed since an earlier one.
 *
 * What is as at the beginning of a saga or step is left out, and filled in again from that beginning when it is read: a
 * property that a later version adds gets its first value, so states written by any version can be read for ever. Since
 * states share what did not change, a change is found by comparing references.
 */
import { noCall } from '../saga/call-state.ts';
import { interned } from './interned.ts';
import { freezeJson } from '../saga/json-value.ts';
import { applyRecord, type SagaState } from '../saga/state.ts';
import { pendingStep, type StepState } from '../saga/step-state.ts';

type Plain = Record<string, unknown>;

const firstStep = pendingStep('');
const firstState: SagaState = applyRecord('', undefined, {
  seq: 1,
  epoch: 0,
  timestamp: 0,
  type: 'saga-started',
  name: '',
  version: '',
  definition: '',
  steps: [],
  input: null,
});
const calls = ['action', 'compensation', 'probe'] as const;

/** What of an object is not as it is at the beginning. */
function differing(value: object, first: object): Plain {
  const [all, template] = [value as Plain, first as Plain];
  const parts: Plain = {};
  for (const key of Object.keys(all)) if (all[key] !== template[key]) parts[key] = all[key];
  return parts;
}

function partsOf(step: StepState): Plain {
  const parts = differing(step, firstStep);
  for (const call of calls) if (parts[call] !== undefined) parts[call] = differing(step[call], noCall);
  return parts;
}

function stepOf(parts: Plain): StepState {
  const step: Plain = { ...firstStep, ...parts };
  step['name'] = interned(String(step['name']));
  for (const call of calls) if (parts[call] !== undefined) step[call] = { ...noCall, ...(parts[call] as object) };
  freezeJson(step['output']);
  freezeJson(step['facts']);
  return step as unknown as StepState;
}

function stateOf(parts: Plain, steps: readonly StepState[]): SagaState {
  const state: Plain = { ...firstState, ...parts, steps };
  for (const key of ['input', 'output', 'headers', 'plan']) freezeJson(state[key]);
  for (const key of ['name', 'version', 'definition']) state[key] = interned(String(state[key]));
  return state as unknown as SagaState;
}

/**
 * A whole state as JSON.
 *
 * @internal
 */
export function encodeState(state: SagaState): string {
  return JSON.stringify({ ...differing(state, firstState), id: undefined, steps: state.steps.map(partsOf) });
}

/** @internal */
export function decodeState(id: string, text: string): SagaState {
  const { steps, ...parts } = JSON.parse(text) as Plain & { readonly steps: readonly Plain[] };
  return stateOf({ ...parts, id }, steps.map(stepOf));
}

/** What changed: properties with their values, names of those that are gone, how many steps there are, and the changed ones. */
interface Delta {
  readonly set: Plain;
  readonly gone?: readonly string[];
  readonly count: number;
  readonly steps: Readonly<Record<string, Plain>>;
}

/**
 * What changed between two states of one saga, as JSON.
 *
 * @internal
 */
export function encodeDelta(before: SagaState, after: SagaState): string {
  const set: Plain = {};
  const gone: string[] = [];
  for (const key of Object.keys(after) as (keyof SagaState)[]) {
    if (key === 'steps' || after[key] === before[key]) continue;
    if (after[key] === undefined) gone.push(key);
    else set[key] = after[key];
  }
  const steps: Record<string, Plain> = {};
  for (const [place, step] of after.steps.entries()) {
    if (step !== before.steps[place]) steps[place] = partsOf(step);
  }
  const delta: Delta = { set, count: after.steps.length, steps };
  return JSON.stringify(gone.length === 0 ? delta : { ...delta, gone });
}

/**
 * The state that a delta leads to.
 *
 * @internal
 */
export function applyDelta(before: SagaState, text: string): SagaState {
  const { set, gone = [], count, steps } = JSON.parse(text) as Delta;
  const next = before.steps.slice(0, count);
  for (const [place, parts] of Object.entries(steps)) next[Number(place)] = stepOf(parts);
  const absent = Object.fromEntries(gone.map((key) => [key, undefined]));
  return stateOf({ ...before, ...set, ...absent }, next);
}
