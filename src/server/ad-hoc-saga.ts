import { http } from '../outbound/http-step.ts';
import { type SagaDefinition, structuralHash } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { type AnyStepOptions, resolveCall } from '../saga/resolve-step.ts';
import type { PlannedSaga } from '../tempo/registry.ts';
import type { Duration } from '../time/duration.ts';
import { issuesOf } from '../wire/check-shape.ts';
import { ProblemError } from '../wire/problem.ts';
import type { StartRequest } from '../wire/requests.ts';
import type { WireStep } from '../wire/step.ts';
import { checkHeaders } from './check-headers.ts';
import { makeInput } from './step-input.ts';
import { orderSteps, type StepSite } from './step-order.ts';
import { retryOptions } from './wire-retry.ts';

/** What is kept in the first record of a saga that a client defined: all that its definition is made of. */
interface Plan {
  readonly steps: readonly WireStep[];
  readonly compensate?: 'sequential' | 'parallel';
  readonly onStuck?: 'hold' | 'continue';
}

// The sagas of one client are mostly alike, and share one definition as long as it is remembered.
const definitionsKept = 256;

/** Makes definitions of the steps that clients send along, when a saga is started and again when it is recovered. */
export class AdHocSagas {
  private readonly maxFlight: Duration | undefined;
  private readonly known = new Map<string, SagaDefinition>();

  /** @param maxFlight how long a request may still be on its way, of steps that do not say. Default 30 s. */
  constructor(maxFlight?: Duration) {
    this.maxFlight = maxFlight;
  }

  /**
   * The definition of a saga that is asked for.
   *
   * @throws {ProblemError} 422, naming the step and what is wrong with it.
   */
  make({ name, version = '1', steps = [], compensate, onStuck }: StartRequest): SagaDefinition {
    const plan: Plan = {
      steps,
      ...(compensate === undefined ? {} : { compensate }),
      ...(onStuck === undefined ? {} : { onStuck }),
    };
    return this.definitionOf({ name, version, plan: plan as unknown as JsonValue });
  }

  /** The definition of a saga that was accepted once, of what its first record keeps. */
  readonly read = (saga: PlannedSaga): SagaDefinition => {
    const { steps = [] } = saga.plan as unknown as Partial<Plan>;
    const [issue] = issuesOf('StartRequest', { name: saga.name, steps } as unknown as JsonValue);
    if (issue !== undefined) throw new ProblemError('invalid', `${issue.path} ${issue.message}`);
    return this.definitionOf(saga);
  };

  private definitionOf({ name, version, plan }: PlannedSaga): SagaDefinition {
    const key = `${name}@${version} ${JSON.stringify(plan)}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const made = this.build(name, version, plan as unknown as Plan);
    const [oldest] = this.known.keys();
    if (this.known.size >= definitionsKept && oldest !== undefined) this.known.delete(oldest);
    this.known.set(key, made);
    return made;
  }

  private build(name: string, version: string, plan: Plan): SagaDefinition {
    const sites = orderSteps(plan.steps);
    const steps = plan.steps.map((step, index) => this.step(name, sites[index] as StepSite, step));
    return Object.freeze({
      name,
      version,
      hash: structuralHash(steps),
      deadlineMs: undefined,
      compensation: plan.compensate ?? 'sequential',
      onStuck: plan.onStuck ?? 'hold',
      steps,
      inputSchema: undefined,
      makeOutput: ({ results }: { readonly results: unknown }) => results,
      plan: plan as unknown as JsonValue,
    });
  }

  private step(saga: string, site: StepSite, step: WireStep): SagaDefinition['steps'][number] {
    const path = `/steps/${site.index}`;
    const forward = site.pivot || site.afterPivot;
    checkUndoing(step, forward, path);
    checkHeaders(step.headers, `${path}/headers`);
    for (const target of ['action', 'compensation', 'status'] as const) {
      checkHeaders(step[target]?.headers, `${path}/${target}/headers`);
    }
    try {
      return resolveCall({ saga, ...site }, this.options(step, forward, path));
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      throw new ProblemError('invalid', error.message, { errors: [{ path, message: error.message }] });
    }
  }

  /** What the step would say if it were written in TypeScript. */
  private options(step: WireStep, forward: boolean, path: string): AnyStepOptions {
    const { action, compensation, status, input, retry, compensationRetry, maxFlight = this.maxFlight } = step;
    const { timeout, compensationTimeout, mode, headers, readOnly, barrier, nullSafe, compensateOnFailure } = step;
    const undo = forward ? undefined : compensation;
    const options = {
      url: action,
      compensateUrl: undo,
      statusUrl: undo === undefined ? undefined : status,
      input: input === undefined ? undefined : (facts: Parameters<typeof makeInput>[1]) => makeInput(input, facts),
      retry: retry === undefined ? undefined : retryOptions(retry, `${path}/retry`),
      compensationRetry:
        compensationRetry === undefined ? undefined : undoingOptions(compensationRetry, `${path}/compensationRetry`),
      timeout,
      compensationTimeout,
      mode,
      headers,
      barrier,
      nullSafe,
      compensateOnFailure,
      maxFlight,
      readOnly: readOnly === true ? true : undefined,
    };
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    return http(Object.fromEntries(given) as unknown as Parameters<typeof http>[0]);
  }
}

/** What undoes is tried again whatever happened, unless the client says which failures. */
function undoingOptions(retry: NonNullable<WireStep['compensationRetry']>, path: string): AnyStepOptions['retry'] {
  const { retryable, ...options } = retryOptions(retry, path);
  return retry.retryOn === undefined || retryable === undefined ? options : { ...options, retryable };
}

function checkUndoing({ name, compensation, readOnly }: WireStep, forward: boolean, path: string): void {
  const refuse = (code: 'compensation-missing' | 'invalid', message: string): never => {
    throw new ProblemError(code, message, { errors: [{ path, message }] });
  };
  if (!forward && compensation === undefined && readOnly !== true) {
    refuse(
      'compensation-missing',
      `step "${name}" stands before the pivot: it needs a compensation, or readOnly: true`,
    );
  }
  if (readOnly === true && compensation !== undefined) {
    refuse('invalid', `step "${name}" has a compensation and says readOnly: true; one of them is wrong`);
  }
}
