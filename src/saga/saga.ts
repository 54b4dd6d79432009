import { exponential } from '../backoff/exponential.ts';
import { type RetryOptions, type RetryRules, resolveRetryRules } from '../retry/decide-retry.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { ActionContext, CompensationContext, SagaDefinition, StepDefinition } from './definition.ts';
import { structuralHash } from './definition.ts';
import { checkName } from './names.ts';
import type { StandardSchema } from './standard-schema.ts';

/** What every step may say beside its handlers. */
export interface StepPolicies {
  /** How the action is retried. Default {@link retryDefaults}: four attempts, only failures known to be transient. */
  readonly retry?: RetryOptions;
  /** How long one attempt of the action may take. Default `'3s'`. */
  readonly timeout?: Duration;
  /** How the compensation is retried. Default {@link compensationRetryDefaults}; then a person takes over. */
  readonly compensationRetry?: RetryOptions;
  /** How long one attempt of the compensation may take. Default `timeout`. */
  readonly compensationTimeout?: Duration;
  /**
   * How long a call may still be on its way after its time-out, while its handler has not returned; nothing is undone
   * before. `0` when the callee refuses late calls by itself (a barrier). Default `'30s'`.
   */
  readonly maxFlight?: Duration;
}

/** A step before the pivot that changes something, and how to undo it. */
export interface CompensatableStep<Input, Results, Output> extends StepPolicies {
  /** Makes the change. Throw a {@link TerminalError} for a definite refusal. */
  readonly run: (context: ActionContext<Input, Results>) => Output | Promise<Output>;
  /** Undoes it; must also be right when the change never happened (`output` is then `undefined`). */
  readonly compensate: (context: CompensationContext<Input, Results, Output>) => unknown;
  readonly readOnly?: false;
}

/** A step that changes nothing, so there is nothing to undo. */
export interface ReadOnlyStep<Input, Results, Output> extends StepPolicies {
  readonly run: (context: ActionContext<Input, Results>) => Output | Promise<Output>;
  readonly readOnly: true;
  readonly compensate?: never;
}

/** The pivot, or a step after it: it is retried forward and never compensated. */
export interface ForwardStep<Input, Results, Output>
  extends Omit<StepPolicies, 'compensationRetry' | 'compensationTimeout'> {
  readonly run: (context: ActionContext<Input, Results>) => Output | Promise<Output>;
  readonly compensate?: never;
  readonly readOnly?: boolean;
}

/** Where in a saga a step stands: before or after the point of no return. */
export type SagaPhase = 'before-pivot' | 'after-pivot';

/** What a step must say at its place: before the pivot, how to undo it. */
export type StepOptions<Input, Results, Output, Phase extends SagaPhase> = Phase extends 'before-pivot'
  ? CompensatableStep<Input, Results, Output> | ReadOnlyStep<Input, Results, Output>
  : ForwardStep<Input, Results, Output>;

/** Refuses a name twice; a name that is only known at run time is checked there. */
type NewName<Name extends string, Results> = string extends Name ? Name : Name extends keyof Results ? never : Name;

/** What the branches of `parallel` return, by name. */
type BranchResults<Branches> = {
  readonly [Name in keyof Branches]: Branches[Name] extends { readonly run: (context: never) => infer Output }
    ? Awaited<Output>
    : never;
};

declare const branchOutput: unique symbol;

/** A step for `parallel` that has been checked on its own, so that its compensation knows the type of its output. */
export interface Branch<Output> {
  /** Types only; nothing stands here at run time. */
  readonly [branchOutput]?: Output;
}

/** Adds steps one after the other; made by {@link saga}, finished by `.output`. Each call returns a new builder. */
export interface SagaBuilder<Input, Results, Phase extends SagaPhase> {
  /** Adds a step that starts when everything before it is confirmed. */
  step<const Name extends string, Output>(
    name: NewName<Name, Results>,
    options: StepOptions<Input, Results, Output, Phase>,
  ): SagaBuilder<Input, Results & { readonly [Key in Name]: Output }, Phase>;
  /**
   * Adds steps that run at the same time; the next step waits for all of them.
   *
   * A plain object of steps gives each compensation an `output` of type `unknown`; with `(branch) => ({ a: branch({ … }) })`
   * it has the type of what that branch's `run` returned.
   */
  parallel<Branches extends Record<string, StepOptions<Input, Results, unknown, Phase>>>(
    branches: Branches & { readonly [Name in keyof Results]?: never },
  ): SagaBuilder<Input, Results & BranchResults<Branches>, Phase>;
  parallel<Outputs extends Record<string, unknown>>(
    branches: (branch: <Output>(options: StepOptions<Input, Results, Output, Phase>) => Branch<Output>) => {
      readonly [Name in keyof Outputs]: Branch<Outputs[Name]>;
    },
  ): SagaBuilder<Input, Results & { readonly [Name in keyof Outputs]: Outputs[Name] }, Phase>;
  /** Adds the point of no return: once it may have happened, the saga only goes forward. At most one a saga. */
  readonly pivot: Phase extends 'before-pivot'
    ? <const Name extends string, Output>(
        name: NewName<Name, Results>,
        options: ForwardStep<Input, Results, Output>,
      ) => SagaBuilder<Input, Results & { readonly [Key in Name]: Output }, 'after-pivot'>
    : never;
  /** Finishes the saga; `make` computes its output from the results, without side effects. Default: no output. */
  output<Output = null>(
    make?: (context: { readonly input: Input; readonly results: Results }) => Output,
  ): Saga<Input, Output>;
}

declare const sagaTypes: unique symbol;

/** A finished saga definition, to be registered with Tempo. */
export interface Saga<Input = never, Output = unknown> extends SagaDefinition {
  /** Types only; nothing stands here at run time. */
  readonly [sagaTypes]?: { readonly input: (input: Input) => void; readonly output: Output };
}

/** Options of {@link saga}. */
export interface SagaOptions {
  /** Version of the definition; an instance keeps the one it was started with. Default `'1'`. */
  readonly version?: string;
  /** How long the saga may go forward, from its acceptance; then it is undone. Default: no limit. */
  readonly deadline?: Duration;
}

/**
 * How a compensation is retried unless its step says otherwise: four executions, after 1 s, 2 s and 4 s, each wait
 * between half and all of that, whatever the error. After the last a person takes over.
 */
export const compensationRetryDefaults: RetryOptions = Object.freeze({
  maxAttempts: 4,
  backoff: exponential({ initialDelay: '1s', factor: 2, maxDelay: '4s', jitter: 'equal' }),
  retryable: () => true,
});

const stepDefaults = Object.freeze({ timeout: '3s', maxFlight: '30s' } as const);

/** The options of a step of any kind, as plain JavaScript may give them. */
type AnyStepOptions = StepPolicies & {
  readonly run: (context: never) => unknown;
  readonly compensate?: ((context: never) => unknown) | undefined;
  readonly readOnly?: boolean | undefined;
};

interface Plan {
  readonly name: string;
  readonly version: string;
  readonly deadlineMs: number | undefined;
  readonly inputSchema: StandardSchema | undefined;
  readonly steps: readonly StepDefinition[];
}

function checkHandlers(plan: Plan, name: string, options: AnyStepOptions, forward: boolean): void {
  const where = `step "${name}" of saga "${plan.name}"`;
  checkName(name, `step name in saga "${plan.name}"`);
  if (plan.steps.some((step) => step.name === name))
    throw new TypeError(`Expected step names to differ, got ${where} twice`);
  if (typeof options?.run !== 'function') throw new TypeError(`Expected ${where} to have a run function`);
  if (options.compensate !== undefined && typeof options.compensate !== 'function') {
    throw new TypeError(`Expected compensate of ${where} to be a function, got ${typeof options.compensate}`);
  }
  if (forward && options.compensate !== undefined) {
    throw new TypeError(`Expected ${where} to have no compensate: the pivot and what follows it only go forward`);
  }
  if (!forward && options.compensate === undefined && options.readOnly !== true) {
    throw new TypeError(`Expected ${where} to have compensate, or to say readOnly: true; it stands before the pivot`);
  }
  if (options.readOnly === true && options.compensate !== undefined) {
    throw new TypeError(`Expected ${where} to have either compensate or readOnly: true, got both`);
  }
}

function resolveCompensationRetry(options: RetryOptions | undefined): RetryRules {
  return resolveRetryRules({ ...compensationRetryDefaults, ...options });
}

function resolveStep(
  plan: Plan,
  name: string,
  options: AnyStepOptions,
  place: { after: readonly number[]; index: number; pivot: boolean },
): StepDefinition {
  const afterPivot = plan.steps.some((step) => step.pivot);
  checkHandlers(plan, name, options, place.pivot || afterPivot);
  const where = `of step "${name}"`;
  const timeoutMs = toMs(options.timeout ?? stepDefaults.timeout, `timeout ${where}`);
  return {
    name,
    ...place,
    afterPivot,
    run: options.run as StepDefinition['run'],
    compensate: options.compensate as StepDefinition['compensate'],
    retry: resolveRetryRules(options.retry ?? {}),
    compensationRetry: resolveCompensationRetry(options.compensationRetry),
    timeoutMs,
    compensationTimeoutMs: toMs(options.compensationTimeout ?? timeoutMs, `compensationTimeout ${where}`),
    maxFlightMs: toMs(options.maxFlight ?? stepDefaults.maxFlight, `maxFlight ${where}`),
  };
}

/** The steps that nothing follows yet: what is added next starts after them. */
function lastSteps(steps: readonly StepDefinition[]): readonly number[] {
  const followed = new Set(steps.flatMap((step) => step.after));
  return steps.filter((step) => !followed.has(step.index)).map((step) => step.index);
}

function addSteps(plan: Plan, branches: readonly (readonly [string, AnyStepOptions])[], pivot: boolean): Plan {
  if (pivot && plan.steps.some((step) => step.pivot))
    throw new TypeError(`Expected one pivot in saga "${plan.name}", got a second, "${branches[0]?.[0]}"`);
  const after = lastSteps(plan.steps);
  const steps = plan.steps.slice();
  for (const [name, options] of branches) {
    steps.push(resolveStep({ ...plan, steps }, name, options, { after, index: steps.length, pivot }));
  }
  return { ...plan, steps };
}

function finish(plan: Plan, makeOutput: SagaDefinition['makeOutput']): SagaDefinition {
  if (plan.steps.length === 0) throw new TypeError(`Expected saga "${plan.name}" to have at least one step`);
  return Object.freeze({ ...plan, hash: structuralHash(plan.steps), makeOutput });
}

function identity<Value>(value: Value): Value {
  return value;
}

/** The builder without its types: what `saga` really returns. */
function builder(plan: Plan): object {
  return {
    step: (name: string, options: AnyStepOptions) => builder(addSteps(plan, [[name, options]], false)),
    parallel: (
      given: Record<string, AnyStepOptions> | ((branch: typeof identity) => Record<string, AnyStepOptions>),
    ) => {
      const branches = typeof given === 'function' ? given(identity) : given;
      if (Object.keys(branches).length === 0)
        throw new TypeError(`Expected parallel of saga "${plan.name}" to have at least one step`);
      return builder(addSteps(plan, Object.entries(branches), false));
    },
    pivot: (name: string, options: AnyStepOptions) => builder(addSteps(plan, [[name, options]], true)),
    output: (make: SagaDefinition['makeOutput'] = () => null) => finish(plan, make),
  };
}

/** The first thing to say about a saga: what it takes. */
export interface SagaStart {
  /** Names the type of the input (`.input<Order>()`), or gives a validator that checks it when a saga is started. */
  input<Input>(schema?: StandardSchema<Input>): SagaBuilder<Input, object, 'before-pivot'>;
}

/**
 * Defines a saga: steps in order, each with its undo, so that the whole either completes or is made good.
 *
 * A step before the pivot without `compensate` must say `readOnly: true`; otherwise it does not compile, and plain
 * JavaScript gets a `TypeError` when the module is loaded.
 *
 * @param name its name in the log, URLs and metrics: 1 to 200 of `A-Z a-z 0-9 _ . ~ : @ -`.
 * @throws {TypeError} for a bad name, a step twice, a missing or a needless compensation.
 * @throws {RangeError} for an option out of its range.
 * @see Garcia-Molina, Salem, "Sagas", SIGMOD 1987.
 * @example
 * const placeOrder = saga('place-order')
 *   .input<{ sku: string }>()
 *   .step('reserve', { run: ({ input }) => `1 × ${input.sku}`, compensate: () => undefined })
 *   .output(({ results }) => results.reserve);
 * placeOrder.steps.map((step) => step.name) // => ['reserve']
 */
export function saga(name: string, options: SagaOptions = {}): SagaStart {
  checkName(name, 'saga name');
  const version = checkName(options.version ?? '1', `version of saga "${name}"`);
  const deadlineMs = options.deadline === undefined ? undefined : toMs(options.deadline, `deadline of saga "${name}"`);
  return {
    input: <Input>(inputSchema?: StandardSchema<Input>) =>
      builder({ name, version, deadlineMs, inputSchema, steps: [] }) as SagaBuilder<Input, object, 'before-pivot'>,
  };
}
