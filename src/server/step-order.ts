import { ProblemError } from '../wire/problem.ts';
import type { WireStep } from '../wire/step.ts';

/** Where a step stands among the others. */
export interface StepSite {
  readonly name: string;
  readonly index: number;
  /** Places of the steps that must be done before. */
  readonly after: readonly number[];
  readonly pivot: boolean;
  readonly afterPivot: boolean;
}

function refuse(code: 'invalid' | 'unknown-step' | 'cycle', path: string, message: string): never {
  throw new ProblemError(code, message, { errors: [{ path, message }] });
}

/** Places of the steps that a step waits for itself. */
function directly(steps: readonly WireStep[], places: ReadonlyMap<string, number>): readonly (readonly number[])[] {
  return steps.map(({ name, after }, index) => {
    if (after === undefined) return index === 0 ? [] : [index - 1];
    return after.map((other, at) => {
      const place = places.get(other);
      if (place !== undefined) return place;
      return refuse(
        'unknown-step',
        `/steps/${index}/after/${at}`,
        `step "${name}" waits for "${other}", which is no step`,
      );
    });
  });
}

function placesOf(steps: readonly WireStep[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const [index, { name }] of steps.entries()) {
    if (places.has(name)) refuse('invalid', `/steps/${index}/name`, `there are two steps "${name}"`);
    places.set(name, index);
  }
  return places;
}

/** Refuses steps that wait for each other, by Kahn's order: those that wait for nobody are taken away until none is left. */
function refuseCircles(steps: readonly WireStep[], after: readonly (readonly number[])[]): void {
  const left = new Set(steps.keys());
  for (let found = true; found; ) {
    found = false;
    for (const index of left) {
      if (after[index]?.some((other) => left.has(other)) === true) continue;
      left.delete(index);
      found = true;
    }
  }
  if (left.size === 0) return;
  const names = [...left].slice(0, 10).map((index) => `"${steps[index]?.name}"`);
  refuse('cycle', '/steps', `steps wait for each other in a circle: ${names.join(', ')}`);
}

/** Everything that edges lead to from a step. */
function reach(from: number, edges: readonly (readonly number[])[]): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const other of edges[next] ?? []) {
      if (reached.has(other)) continue;
      reached.add(other);
      open.push(other);
    }
  }
  return reached;
}

/** The steps behind the pivot. Each step must be on one side of it, or nobody could tell whether it may be undone. */
function behindPivot(steps: readonly WireStep[], after: readonly (readonly number[])[]): ReadonlySet<number> {
  const [pivot, second] = steps.flatMap((step, index) => (step.pivot === true ? [index] : []));
  if (pivot === undefined) return new Set();
  if (second !== undefined) refuse('invalid', `/steps/${second}/pivot`, 'there can be one pivot, and this is a second');
  const followers = steps.map((_, index) =>
    steps.flatMap((__, other) => (after[other]?.includes(index) ? [other] : [])),
  );
  const before = reach(pivot, after);
  const behind = reach(pivot, followers);
  const beside = steps.findIndex((_, index) => index !== pivot && !before.has(index) && !behind.has(index));
  if (beside === -1) return behind;
  const message = `step "${steps[beside]?.name}" runs beside the pivot; it must be done before, or begin after`;
  return refuse('invalid', `/steps/${beside}/after`, message);
}

/**
 * The places of the steps of a saga, checked: names differ, what they wait for is there and no circle, and with a point of
 * no return each step is on one side of it.
 *
 * @throws {ProblemError} `invalid`, `unknown-step` or `cycle`.
 */
export function orderSteps(steps: readonly WireStep[]): readonly StepSite[] {
  const after = directly(steps, placesOf(steps));
  refuseCircles(steps, after);
  const behind = behindPivot(steps, after);
  return steps.map(({ name, pivot }, index) => ({
    name,
    index,
    after: after[index] ?? [],
    pivot: pivot === true,
    afterPivot: behind.has(index),
  }));
}
