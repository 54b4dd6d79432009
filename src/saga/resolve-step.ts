import { exponential } from '../backoff/exponential.ts';
import { type RetryOptions, type RetryRules, resolveRetryRules } from '../retry/decide-retry.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { CallStep, ChildStep, EachStep, SagaDefinition, StepPlace } from './definition.ts';
import type { StepPolicies } from './step-options.ts';

/**
 * How a compensation is retried unless its step says otherwise: four executions, after 1 s, 2 s and 4 s, each wait
 * between half and all of that, whatever the error. After the last a person takes over.
 */
export const compensationRetryDefaults: RetryOptions = Object.freeze({
  maxAttempts: 4,
  backoff: exponential({ initialDelay: '1s', factor: 2, maxDelay: '4s', jitter: 'equal' }),
  retryable: () => true,
});

// The asynchronous channel of a saga-first step: the same waits; what is transient is still the default's to say.
const sagaFirstRetry: RetryOptions = Object.freeze({
  maxAttempts: 4,
  backoff: exponential({ initialDelay: '1s', factor: 2, maxDelay: '4s', jitter: 'equal' }),
});

const stepDefaults = Object.freeze({ timeout: '3s', maxFlight: '30s', concurrency: 16 } as const);

/** The options of a step of any kind, as plain JavaScript may give them. */
export type AnyStepOptions = StepPolicies & {
  readonly run: (context: never) => unknown;
  readonly compensate?: ((context: never) => unknown) | undefined;
  readonly statusProbe?: ((context: never) => unknown) | undefined;
  readonly pin?: ((context: never) => unknown) | undefined;
  readonly when?: ((context: never) => unknown) | undefined;
  readonly readOnly?: boolean | undefined;
  readonly nullSafe?: boolean | undefined;
  readonly compensateOnFailure?: boolean | undefined;
  readonly concurrency?: number | undefined;
  readonly child?: SagaDefinition | undefined;
  readonly input?: ((context: never) => unknown) | undefined;
  readonly targets?: readonly string[] | undefined;
};

/** Where a step is added: the words for its errors, and its place. */
export interface Site extends Omit<StepPlace, 'when'> {
  readonly saga: string;
}

function whereOf({ name, saga }: Site): string {
  return `step "${name}" of saga "${saga}"`;
}

type AnyHandler = ((context: never) => unknown) | undefined;

/** Checks an option that is a function, if it is there. */
function optionalFunction(site: Site, option: string, value: AnyHandler): AnyHandler {
  if (value === undefined || typeof value === 'function') return value;
  throw new TypeError(`Expected ${option} of ${whereOf(site)} to be a function, got ${typeof value}`);
}

function oneOf<Value>(site: Site, option: string, value: Value, allowed: readonly Value[]): Value {
  if (allowed.includes(value)) return value;
  throw new TypeError(
    `Expected ${option} of ${whereOf(site)} to be one of ${allowed.join(', ')}, got ${String(value)}`,
  );
}

function checkUndoing(site: Site, { compensate, readOnly, statusProbe, mode }: AnyStepOptions): void {
  const where = whereOf(site);
  const forward = site.pivot || site.afterPivot;
  if (forward && compensate !== undefined) {
    throw new TypeError(`Expected ${where} to have no compensate: the pivot and what follows it only go forward`);
  }
  if (!forward && compensate === undefined && readOnly !== true) {
    throw new TypeError(`Expected ${where} to have compensate, or to say readOnly: true; it stands before the pivot`);
  }
  if (readOnly === true && compensate !== undefined) {
    throw new TypeError(`Expected ${where} to have either compensate or readOnly: true, got both`);
  }
  if (statusProbe !== undefined && compensate === undefined) {
    throw new TypeError(`Expected ${where} to have compensate beside statusProbe: a step without is never asked about`);
  }
  if (mode === 'saga-first' && compensate === undefined) {
    throw new TypeError(`Expected ${where} to have compensate: mode "saga-first" registers it before the action`);
  }
}

/** A step's `when`, checked; the pivot has none, since a saga that skips its point of no return has none. */
export function conditionOf(site: Site, options: Pick<AnyStepOptions, 'when'>): StepPlace['when'] {
  const when = optionalFunction(site, 'when', options?.when) as StepPlace['when'];
  if (when !== undefined && site.pivot) throw new TypeError(`Expected the pivot, ${whereOf(site)}, to have no when`);
  return when;
}

function headersOf(site: Site, headers: unknown): CallStep['headers'] {
  if (headers === undefined) return undefined;
  const entries = typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
  if (entries.length === 0 || entries.some(([, value]) => typeof value !== 'string')) {
    throw new TypeError(`Expected headers of ${whereOf(site)} to be an object of strings`);
  }
  return Object.freeze({ ...(headers as Record<string, string>) });
}

/** A step that calls a participant, checked and with its defaults. */
export function resolveCall({ saga, ...place }: Site, options: AnyStepOptions): CallStep {
  const site = { saga, ...place };
  const where = whereOf(site);
  if (typeof options?.run !== 'function') throw new TypeError(`Expected ${where} to have a run function`);
  const compensate = optionalFunction(site, 'compensate', options.compensate) as CallStep['compensate'];
  checkUndoing(site, options);
  const mode = oneOf<CallStep['mode']>(site, 'mode', options.mode ?? 'durable', ['durable', 'saga-first']);
  const timeoutMs = toMs(options.timeout ?? stepDefaults.timeout, `timeout of step "${place.name}"`);
  return {
    kind: 'call',
    ...place,
    when: conditionOf(site, options),
    run: options.run as CallStep['run'],
    compensate,
    statusProbe: optionalFunction(site, 'statusProbe', options.statusProbe) as CallStep['statusProbe'],
    pin: optionalFunction(site, 'pin', options.pin) as CallStep['pin'],
    targets: options.targets,
    headers: headersOf(site, options.headers),
    mode,
    nullSafe: oneOf(site, 'nullSafe', options.nullSafe ?? true, [true, false]),
    compensateOnFailure: oneOf(site, 'compensateOnFailure', options.compensateOnFailure ?? false, [true, false]),
    effectBeforeThrow: oneOf(site, 'effectBeforeThrow', options.effectBeforeThrow ?? 'possible', ['possible', 'never']),
    retry: resolveRetryRules({ ...(mode === 'saga-first' ? sagaFirstRetry : {}), ...options.retry }),
    compensationRetry: resolveCompensationRetry(options.compensationRetry),
    timeoutMs,
    compensationTimeoutMs: msOf(options.compensationTimeout, timeoutMs, `compensationTimeout of step "${place.name}"`),
    maxFlightMs: toMs(options.maxFlight ?? stepDefaults.maxFlight, `maxFlight of step "${place.name}"`),
  };
}

function msOf(duration: Duration | undefined, defaultMs: number, what: string): number {
  return duration === undefined ? defaultMs : toMs(duration, what);
}

function resolveCompensationRetry(options: RetryOptions | undefined): RetryRules {
  return resolveRetryRules({ ...compensationRetryDefaults, ...options });
}

function hasPivot(saga: SagaDefinition): boolean {
  return saga.steps.some((step) => step.pivot || (step.kind === 'child' && hasPivot(step.child)));
}

/** A saga as a step, checked. */
export function resolveChild(
  { saga, ...place }: Site,
  child: SagaDefinition | undefined,
  makeInput: unknown,
): ChildStep {
  const where = whereOf({ saga, ...place });
  if (typeof child !== 'object' || !Array.isArray(child?.steps)) {
    throw new TypeError(`Expected the child of ${where} to be a finished saga, got ${typeof child}`);
  }
  if (!place.afterPivot && hasPivot(child)) {
    throw new TypeError(
      `Expected the child of ${where}, saga "${child.name}", to have no pivot: it stands where it may have to be undone`,
    );
  }
  if (typeof makeInput !== 'function') {
    throw new TypeError(
      `Expected the input of the child of ${where} to be made by a function, got ${typeof makeInput}`,
    );
  }
  return { kind: 'child', ...place, when: undefined, child, makeInput: makeInput as ChildStep['makeInput'] };
}

const itemOf = ({ item }: { readonly item: unknown }): unknown => item;

/** One step an item, checked. */
export function resolveEach({ saga, ...place }: Site, items: unknown, options: AnyStepOptions): EachStep {
  const site = { saga, ...place };
  const where = whereOf(site);
  if (typeof items !== 'function') {
    throw new TypeError(`Expected the items of ${where} to be made by a function, got ${typeof items}`);
  }
  const { concurrency = stepDefaults.concurrency } = options ?? {};
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`Expected concurrency of ${where} to be an integer ≥ 1, got ${String(concurrency)}`);
  }
  const each =
    options?.child === undefined
      ? resolveCall(site, options)
      : resolveChild(site, options.child, options.input ?? itemOf);
  return {
    kind: 'each',
    ...place,
    when: conditionOf(site, options),
    items: items as EachStep['items'],
    concurrency,
    each,
  };
}
