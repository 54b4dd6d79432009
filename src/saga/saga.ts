import type { Facts } from '../advisor/facts.ts';
import {
  freeRules,
  type FreeRules,
  type Requirable,
  requiredRules,
  type RulesOf,
  type StepRules,
} from '../advisor/requirement.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { SagaDefinition, StepDefinition } from './definition.ts';
import { structuralHash } from './definition.ts';
import { checkName } from './names.ts';
import { type AnyStepOptions, conditionOf, resolveCall, resolveChild, resolveEach, type Site } from './resolve-step.ts';
import { checkRequired, checkRequiredOrder, checkRequiredPivot } from './required-steps.ts';
import type { SagaBuilder } from './saga-builder.ts';
import type { StandardSchema } from './standard-schema.ts';
import type { SignalOptions } from './step-options.ts';

/** Options of {@link saga}. */
export interface SagaOptions {
  /** Version of the definition; an instance keeps the one it was started with. Default `'1'`. */
  readonly version?: string;
  /** How long the saga may go forward, from its acceptance; then it is undone. Default: no limit. */
  readonly deadline?: Duration;
  /**
   * `'sequential'`: one step is undone at a time, in reverse order of completion. `'parallel'`: a step is undone as soon
   * as every step that was built on it is. Default `'sequential'`.
   */
  readonly compensate?: 'sequential' | 'parallel';
  /**
   * What the undoing does at a step that it cannot undo. `'hold'`: waits for a person. `'continue'`: goes on with steps
   * that this one was not built on. Default `'hold'`.
   */
  readonly onStuck?: 'hold' | 'continue';
}

interface Plan extends Omit<SagaDefinition, 'hash' | 'makeOutput'> {
  readonly steps: readonly StepDefinition[];
  /** What `require` asks of the steps. */
  readonly rules: StepRules;
}

/** The steps that nothing follows yet: what is added next starts after them. */
function lastSteps(steps: readonly StepDefinition[]): readonly number[] {
  const followed = new Set(steps.flatMap((step) => step.after));
  return steps.filter((step) => !followed.has(step.index)).map((step) => step.index);
}

/** Where the next step of a plan stands. */
function siteOf(plan: Plan, name: string, after: readonly number[], pivot: boolean): Site {
  const { steps } = plan;
  checkName(name, `step name in saga "${plan.name}"`);
  const afterPivot = steps.some((step) => step.pivot);
  if (pivot && afterPivot) throw new TypeError(`Expected one pivot in saga "${plan.name}", got a second, "${name}"`);
  const twin = steps.find((step) => step.name === name || (step.kind === 'each' && isItemName(name, step.name)));
  if (twin !== undefined) {
    throw new TypeError(`Expected step names to differ, got step "${name}" of saga "${plan.name}" twice`);
  }
  return { saga: plan.name, name, index: steps.length, after, pivot, afterPivot };
}

/** Whether a name is that of an item: `parcel.0` beside a `forEach` named `parcel`. */
function isItemName(name: string, each: string): boolean {
  return name.startsWith(`${each}.`) && /^\d+$/.test(name.slice(each.length + 1));
}

function finish({ rules, ...plan }: Plan, makeOutput: SagaDefinition['makeOutput']): SagaDefinition {
  if (plan.steps.length === 0) throw new TypeError(`Expected saga "${plan.name}" to have at least one step`);
  checkRequiredPivot(rules, plan.name, plan.steps);
  return Object.freeze({ ...plan, hash: structuralHash(plan.steps), makeOutput });
}

function identity<Value>(value: Value): Value {
  return value;
}

type Branches = Record<string, AnyStepOptions>;

/** Adds steps to a plan without their types: what `saga` really returns. */
class PlanBuilder {
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  private add(name: string, resolve: (site: Site) => StepDefinition, pivot = false): PlanBuilder {
    const step = resolve(siteOf(this.plan, name, lastSteps(this.plan.steps), pivot));
    checkRequired(this.plan.rules, this.plan.name, step);
    return new PlanBuilder({ ...this.plan, steps: [...this.plan.steps, step] });
  }

  step(name: string, options: AnyStepOptions): PlanBuilder {
    return this.add(name, (site) => resolveCall(site, options));
  }

  pivot(name: string, options: AnyStepOptions): PlanBuilder {
    return this.add(name, (site) => resolveCall(site, options), true);
  }

  parallel(given: Branches | ((branch: typeof identity) => Branches)): PlanBuilder {
    checkRequiredOrder(this.plan.rules, this.plan.name);
    const branches = Object.entries(typeof given === 'function' ? given(identity) : given);
    if (branches.length === 0) {
      throw new TypeError(`Expected parallel of saga "${this.plan.name}" to have at least one step`);
    }
    const after = lastSteps(this.plan.steps);
    const steps = this.plan.steps.slice();
    for (const [name, options] of branches) {
      const step = resolveCall(siteOf({ ...this.plan, steps }, name, after, false), options);
      checkRequired(this.plan.rules, this.plan.name, step);
      steps.push(step);
    }
    return new PlanBuilder({ ...this.plan, steps });
  }

  sleep(name: string, duration: Duration): PlanBuilder {
    const sleepMs = toMs(duration, `duration of step "${name}"`);
    return this.add(name, (site) => {
      const { saga: _, ...place } = site;
      return { kind: 'sleep', ...place, when: undefined, sleepMs };
    });
  }

  wait(name: string, options: SignalOptions<unknown> = {}): PlanBuilder {
    const timeoutMs = options.timeout === undefined ? undefined : toMs(options.timeout, `timeout of step "${name}"`);
    return this.add(name, (site) => {
      const { saga: _, ...place } = site;
      return { kind: 'wait', ...place, when: conditionOf(site, {}), schema: options.schema, timeoutMs };
    });
  }

  child(name: string, child: SagaDefinition, makeInput: (context: never) => unknown): PlanBuilder {
    return this.add(name, (site) => resolveChild(site, child, makeInput));
  }

  forEach(name: string, items: (context: never) => unknown, options: AnyStepOptions): PlanBuilder {
    const item = this.plan.steps.find((step) => isItemName(step.name, name));
    if (item !== undefined) {
      throw new TypeError(`Expected step names to differ, got "${item.name}", which is also an item of step "${name}"`);
    }
    return this.add(name, (site) => resolveEach(site, items, options));
  }

  output(make: SagaDefinition['makeOutput'] = () => null): SagaDefinition {
    return finish(this.plan, make);
  }
}

/** The first thing to say about a saga: what it takes. */
export interface SagaStart<Rules extends StepRules = FreeRules> {
  /** Names the type of the input (`.input<Order>()`), or gives a validator that checks it when a saga is started. */
  input<Input>(schema?: StandardSchema<Input>): SagaBuilder<Input, object, 'before-pivot', Rules>;
}

function checkChoice(name: string, option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new TypeError(`Expected ${option} of saga "${name}" to be one of ${allowed.join(', ')}, got ${value}`);
}

/**
 * Defines a saga: steps in order, each with its undo, so that the whole either completes or is made good.
 *
 * A step before the pivot without `compensate` must say `readOnly: true`; otherwise it does not compile, and plain
 * JavaScript gets a `TypeError` when the module is loaded.
 *
 * With `require`, the facts that the saga must keep, a step whose mode breaks them does not compile, nor do facts that
 * contradict each other; plain JavaScript gets the same message.
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
export function saga<const Given extends Facts | undefined = undefined>(
  name: string,
  options: SagaOptions & { readonly require?: Given & Requirable<Given> } = {},
): SagaStart<RulesOf<Given>> {
  checkName(name, 'saga name');
  const version = checkName(options.version ?? '1', `version of saga "${name}"`);
  const deadlineMs = options.deadline === undefined ? undefined : toMs(options.deadline, `deadline of saga "${name}"`);
  const { compensate: compensation = 'sequential', onStuck = 'hold' } = options;
  checkChoice(name, 'compensate', compensation, ['sequential', 'parallel']);
  checkChoice(name, 'onStuck', onStuck, ['hold', 'continue']);
  const required: Facts | undefined = options.require;
  const rules = required === undefined ? freeRules : requiredRules(required);
  const plan = { name, version, deadlineMs, compensation, onStuck, require: required, rules, steps: [] };
  return {
    input: <Input>(inputSchema?: StandardSchema<Input>) =>
      new PlanBuilder({ ...plan, inputSchema }) as unknown as SagaBuilder<
        Input,
        object,
        'before-pivot',
        RulesOf<Given>
      >,
  };
}
