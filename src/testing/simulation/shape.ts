/** What sagas of a simulated world look like: drawn as data once a seed, and built anew for each process. */
import type { SeededRandom } from '../../ports/random.ts';

/** A step that calls a participant. */
export interface CallShape {
  readonly kind: 'call';
  readonly name: string;
  /** Whether its participant keeps tombstones; otherwise only the settle time keeps late calls from doing harm. */
  readonly barrier: boolean;
  /** Whether its handler returns as soon as it is told to. */
  readonly listens: boolean;
  readonly readOnly: boolean;
  readonly probe: boolean;
  readonly nullSafe: boolean;
  readonly compensateOnFailure: boolean;
  readonly sagaFirst: boolean;
  /** How often the participant says no for business reasons. */
  readonly refuseRatio: number;
  /** How often the step is skipped. */
  readonly skipRatio: number;
  readonly pinned: boolean;
  readonly maxAttempts: number;
  readonly compensationAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: 'none' | 'full' | 'equal';
  readonly retriesAll: boolean;
  readonly timeoutMs: number;
  readonly maxFlightMs: number;
  readonly guarded: boolean;
}

/** One stage of a saga. */
export type StageShape =
  | CallShape
  | { readonly kind: 'pivot'; readonly call: CallShape }
  | { readonly kind: 'parallel'; readonly branches: readonly CallShape[] }
  | { readonly kind: 'sleep'; readonly name: string; readonly ms: number }
  | { readonly kind: 'wait'; readonly name: string; readonly timeoutMs: number | undefined }
  | { readonly kind: 'child'; readonly name: string; readonly child: string }
  | {
      readonly kind: 'each';
      readonly name: string;
      readonly items: number;
      readonly concurrency: number;
      readonly call: CallShape;
    };

/** A saga as it is drawn. */
export interface SagaShape {
  readonly name: string;
  readonly version: string;
  readonly deadlineMs: number | undefined;
  readonly compensate: 'sequential' | 'parallel';
  readonly onStuck: 'hold' | 'continue';
  readonly stages: readonly StageShape[];
  /** Whether a person must give its output. */
  readonly outputFails: boolean;
}

/** Some of what can be drawn. */
export function pick<Value>(random: SeededRandom, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

function between(random: SeededRandom, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

function drawCall(random: SeededRandom, name: string, forward: boolean): CallShape {
  const barrier = random() < 0.7;
  const readOnly = !forward && random() < 0.1;
  const undone = !forward && !readOnly;
  return {
    kind: 'call',
    name,
    barrier,
    listens: random() < 0.6,
    readOnly,
    probe: undone && barrier && random() < 0.25,
    nullSafe: !(undone && random() < 0.1),
    compensateOnFailure: undone && random() < 0.1,
    sagaFirst: undone && random() < 0.1,
    refuseRatio: random() < 0.5 ? 0 : random() * 0.2,
    skipRatio: random() < 0.9 ? 0 : 0.5,
    pinned: random() < 0.2,
    maxAttempts: between(random, 1, 6),
    compensationAttempts: between(random, 2, 8),
    firstDelayMs: pick(random, [0, 10, 100, 1000]),
    maxDelayMs: pick(random, [1000, 5000, 30_000]),
    jitter: pick(random, ['none', 'full', 'equal'] as const),
    retriesAll: random() < 0.8,
    timeoutMs: pick(random, [200, 1000, 3000]),
    // Late calls are refused where there is a barrier; elsewhere they must have come by then, see the network.
    maxFlightMs: barrier ? 0 : pick(random, [1000, 10_000]),
    guarded: random() < 0.3,
  };
}

function drawStage(random: SeededRandom, name: string, past: boolean, children: readonly SagaShape[]): StageShape {
  const draw = random();
  if (draw < 0.5) return drawCall(random, name, past);
  if (draw < 0.62) {
    const branches = Array.from({ length: between(random, 2, 4) }, (_, place) =>
      drawCall(random, `${name}-${place}`, past),
    );
    return { kind: 'parallel', branches };
  }
  if (draw < 0.7) return { kind: 'sleep', name, ms: pick(random, [1, 500, 30_000, 600_000]) };
  if (draw < 0.78) {
    // Clients send signals to sagas that they have started, and know nothing of those which are steps of them.
    const timeoutMs = pick(random, [undefined, 5000, 300_000]);
    return { kind: 'wait', name, timeoutMs: children.length === 0 ? (timeoutMs ?? 60_000) : timeoutMs };
  }
  if (draw < 0.9) {
    const items = pick(random, [0, 1, 3, 8]);
    return { kind: 'each', name, items, concurrency: between(random, 1, 4), call: drawCall(random, name, past) };
  }
  const child = children.length > 0 ? pick(random, children).name : undefined;
  return child === undefined ? drawCall(random, name, past) : { kind: 'child', name, child };
}

function drawSaga(random: SeededRandom, name: string, children: readonly SagaShape[], mayPivot: boolean): SagaShape {
  const stages: StageShape[] = [];
  const count = between(random, 1, 5);
  const pivotAt = mayPivot && random() < 0.3 ? between(random, 0, count - 1) : -1;
  for (let place = 0; place < count; place++) {
    const past = pivotAt !== -1 && place > pivotAt;
    if (place === pivotAt)
      stages.push({ kind: 'pivot', call: { ...drawCall(random, `s${place}`, true), skipRatio: 0 } });
    else stages.push(drawStage(random, `s${place}`, past, children));
  }
  return {
    name,
    version: '1',
    deadlineMs: random() < 0.8 ? undefined : pick(random, [500, 10_000, 120_000]),
    compensate: pick(random, ['sequential', 'parallel']),
    onStuck: random() < 0.7 ? 'hold' : 'continue',
    stages,
    outputFails: random() < 0.02,
  };
}

/** The sagas of one world; each of them may have the simpler ones before it as steps. */
export function drawShapes(random: SeededRandom): readonly SagaShape[] {
  const shapes: SagaShape[] = [];
  const children = between(random, 1, 2);
  for (let place = 0; place < children; place++) shapes.push(drawSaga(random, `child-${place}`, [], false));
  for (let place = between(random, 2, 5); place > 0; place--)
    shapes.push(drawSaga(random, `saga-${place}`, shapes.slice(0, children), true));
  return shapes;
}
