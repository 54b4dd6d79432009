import { exponential } from '../../backoff/exponential.ts';
import type { ActionContext, Saga, SagaDefinition } from '../../saga/definition.ts';
import type { JsonValue } from '../../saga/json-value.ts';
import { saga } from '../../saga/saga.ts';
import type { CallShape, SagaShape, StageShape } from './shape.ts';

/** Which of a participant's calls a handler makes. */
export type CallPhase = 'action' | 'compensation' | 'status';

/** What the handlers of one process do: they call the world outside. */
export interface Outside {
  call(shape: CallShape, phase: CallPhase, context: ActionContext): unknown;
  /** Whether a step's `when` says yes; the same whenever it is asked. */
  isWanted(shape: CallShape, sagaId: string): boolean;
}

/** What every simulated saga is started with. */
export interface SimulatedInput {
  /** The saga's own id: conditions go by it. */
  readonly id: string;
  readonly payload: string;
}

type AnySaga = Saga<SimulatedInput, JsonValue>;

/** The builder without its types, which data cannot have. */
interface LooseBuilder {
  step(name: string, options: object): LooseBuilder;
  pivot(name: string, options: object): LooseBuilder;
  parallel(branches: Readonly<Record<string, object>>): LooseBuilder;
  sleep(name: string, ms: number): LooseBuilder;
  wait(name: string, options: object): LooseBuilder;
  child(
    name: string,
    child: SagaDefinition,
    input: (context: { readonly input: SimulatedInput }) => unknown,
  ): LooseBuilder;
  forEach(name: string, items: () => readonly number[], step: object): LooseBuilder;
  output(make?: () => unknown): AnySaga;
}

function retryOf(shape: CallShape, maxAttempts: number): object {
  const { firstDelayMs, maxDelayMs, jitter, retriesAll } = shape;
  const backoff = exponential({ initialDelay: firstDelayMs, maxDelay: maxDelayMs, jitter });
  return { maxAttempts, backoff, ...(retriesAll ? { retryable: () => true } : {}) };
}

function callOptions(shape: CallShape, outside: Outside, forward: boolean): object {
  const handler =
    (phase: CallPhase) =>
    (context: ActionContext): unknown =>
      outside.call(shape, phase, context);
  const { readOnly, probe, nullSafe, compensateOnFailure, sagaFirst, skipRatio, pinned } = shape;
  const undo = {
    compensate: handler('compensation'),
    compensationRetry: { ...retryOf(shape, shape.compensationAttempts), retryable: () => true },
    nullSafe,
    compensateOnFailure,
    ...(probe ? { statusProbe: handler('status') } : {}),
    ...(sagaFirst ? { mode: 'saga-first' } : {}),
  };
  return {
    run: handler('action'),
    timeout: shape.timeoutMs,
    maxFlight: shape.maxFlightMs,
    retry: retryOf(shape, shape.maxAttempts),
    ...(readOnly ? { readOnly } : {}),
    ...(forward || readOnly ? {} : undo),
    ...(pinned ? { pin: () => ({ version: shape.name }) } : {}),
    ...(skipRatio > 0 ? { when: ({ input }: { input: SimulatedInput }) => outside.isWanted(shape, input.id) } : {}),
  };
}

function addStage(
  builder: LooseBuilder,
  stage: StageShape,
  past: boolean,
  outside: Outside,
  built: ReadonlyMap<string, AnySaga>,
): LooseBuilder {
  switch (stage.kind) {
    case 'call':
      return builder.step(stage.name, callOptions(stage, outside, past));
    case 'pivot':
      return builder.pivot(stage.call.name, callOptions(stage.call, outside, true));
    case 'parallel':
      return builder.parallel(
        Object.fromEntries(stage.branches.map((branch) => [branch.name, callOptions(branch, outside, past)])),
      );
    case 'sleep':
      return builder.sleep(stage.name, stage.ms);
    case 'wait':
      return builder.wait(stage.name, stage.timeoutMs === undefined ? {} : { timeout: stage.timeoutMs });
    case 'child':
      return builder.child(stage.name, built.get(stage.child) as AnySaga, ({ input }) => input);
    case 'each': {
      const items = Array.from({ length: stage.items }, (_, place) => place);
      const { skipRatio: _, ...call } = stage.call;
      const options = callOptions({ ...call, skipRatio: 0 }, outside, past);
      return builder.forEach(stage.name, () => items, { ...options, concurrency: stage.concurrency });
    }
  }
}

function buildOne(shape: SagaShape, outside: Outside, built: ReadonlyMap<string, AnySaga>): AnySaga {
  const { name, version, deadlineMs, compensate, onStuck, stages, outputFails } = shape;
  const deadline = deadlineMs === undefined ? {} : { deadline: deadlineMs };
  let builder = saga(name, { version, compensate, onStuck, ...deadline }).input() as unknown as LooseBuilder;
  let past = false;
  for (const stage of stages) {
    builder = addStage(builder, stage, past, outside, built);
    if (stage.kind === 'pivot') past = true;
  }
  return builder.output(() => {
    if (outputFails) throw new Error('this output cannot be made');
    return name;
  });
}

/** Builds the sagas of a world for one process, by name. */
export function buildSagas(shapes: readonly SagaShape[], outside: Outside): ReadonlyMap<string, AnySaga> {
  const built = new Map<string, AnySaga>();
  for (const shape of shapes) built.set(shape.name, buildOne(shape, outside, built));
  return built;
}

/** The call of a step by its name, items of a list included; `undefined` for a step that makes none. */
export function callShapes({ stages }: SagaShape): ReadonlyMap<string, CallShape> {
  const calls = new Map<string, CallShape>();
  for (const stage of stages) {
    if (stage.kind === 'call') calls.set(stage.name, stage);
    else if (stage.kind === 'pivot') calls.set(stage.call.name, stage.call);
    else if (stage.kind === 'parallel') for (const branch of stage.branches) calls.set(branch.name, branch);
    else if (stage.kind === 'each') calls.set(stage.name, stage.call);
  }
  return calls;
}
