import { metrics, type MeterProvider, trace, type TracerProvider } from '@opentelemetry/api';
import type { Policy } from '../../policy/policy.ts';
import type { Observer } from '../../ports/observer.ts';
import type { RetryLoopOptions } from '../../retry/retry-settings.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import { defaultNameLimit, isGuardTold, isRetryEvent, isSagaEvent, measuringObserver } from '../telemetry/measures.ts';
import type { TelemetryEvent } from '../telemetry/telemetry-event.ts';
import { AttemptContext } from './attempt-context.ts';
import type { TelemetryAliases } from './attributes.ts';
import { noteGuard } from './guard-notes.ts';
import { otelMeasure } from './otel-measures.ts';
import { RetrySpans } from './retry-spans.ts';
import { SagaSpans } from './saga-spans.ts';
import { Spans } from './spans.ts';
import { tracedSaga } from './traced-saga.ts';

/** Options of {@link openTelemetry}. */
export interface OpenTelemetryOptions {
  /** Where spans go; `false` for none. Default the globally registered provider. */
  readonly tracerProvider?: TracerProvider | false | undefined;
  /** Where metrics go; `false` for none. Default the globally registered provider. */
  readonly meterProvider?: MeterProvider | false | undefined;
  /** Second names under which metrics and span attributes are told too, see `shortNames`. Default none. */
  readonly aliases?: TelemetryAliases | undefined;
  /** How many different values each metric attribute has at most; the rest is `_OTHER`. Default 200. */
  readonly nameLimit?: number | undefined;
  /** How many sagas have a span at a time; those beyond are only counted. Default 10,000. */
  readonly sagaSpanLimit?: number | undefined;
}

/** The defaults of {@link openTelemetry}. */
export const openTelemetryDefaults: { readonly nameLimit: number; readonly sagaSpanLimit: number } = Object.freeze({
  nameLimit: defaultNameLimit,
  sagaSpanLimit: 10_000,
});

/** The options that telemetry is put into. Guards may be chosen by origin, as `retryingFetch` has it. */
export interface ObservableOptions extends Omit<RetryLoopOptions, 'guards'> {
  /** Policies around each attempt. Default none. */
  readonly guards?: RetryLoopOptions['guards'] | ((origin: string) => readonly Policy[]);
}

/** Tells OpenTelemetry what happens; made by {@link openTelemetry}. */
export interface OpenTelemetry {
  /** Give it to whatever takes an observer. */
  readonly observer: Observer<TelemetryEvent>;
  /** Makes each attempt's span the active one while the attempt runs: the first of a retry's `guards`. */
  readonly guard: Policy;
  /**
   * Options of `retry`, `retryPolicy` or `retryingFetch` with the observer and the guard put in; an observer that is there
   * is told too.
   */
  retry<const Options extends ObservableOptions>(options: Options): Options;
  /** The same saga, whose handlers run with their attempt's span active; register and start this one. */
  saga<Saga extends SagaDefinition>(saga: Saga): Saga;
  /** Ends the spans of sagas that are still open, when the coordinator has closed. Safe to call twice. */
  close(): void;
  [Symbol.dispose](): void;
}

// What spans and metrics are said to come from (OpenTelemetry, "Instrumentation scope").
const scope = 'makegood';

/**
 * Traces and measures retried calls and sagas by OpenTelemetry: a span for each call or saga, one for each attempt below
 * it, and the metrics of `docs/guides/telemetry.md`.
 *
 * Needs `@opentelemetry/api`; what becomes of it is up to the SDK that the program has set up. Without one it does
 * nothing. Names of metrics and attributes follow the semantic conventions, durations are seconds.
 *
 * @param options.tracerProvider where spans go. Default the global one.
 * @param options.meterProvider where metrics go. Default the global one.
 * @param options.aliases second names. Default none.
 * @param options.nameLimit different values of an attribute of metrics. Default 200.
 * @param options.sagaSpanLimit sagas with a span at a time. Default 10,000.
 * @throws {RangeError} when a limit is not an integer ≥ 1.
 * @see OpenTelemetry semantic conventions 1.45, "error.type", "http.request.resend_count" and metric naming.
 * @example
 * const telemetry = openTelemetry();
 * await retry(async ({ number }) => number, telemetry.retry({ name: 'page', maxAttempts: 3 })) // => 1
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): OpenTelemetry {
  const { tracerProvider, meterProvider, aliases = {} } = options;
  const { nameLimit = openTelemetryDefaults.nameLimit, sagaSpanLimit = openTelemetryDefaults.sagaSpanLimit } = options;
  if (!(Number.isInteger(sagaSpanLimit) && sagaSpanLimit >= 1)) {
    throw new RangeError(`Expected sagaSpanLimit to be an integer ≥ 1, got ${sagaSpanLimit}`);
  }
  const attempts = new AttemptContext();
  const spans = tracerProvider === false ? undefined : new Spans((tracerProvider ?? trace).getTracer(scope), aliases);
  const calls = spans && new RetrySpans(spans, attempts.hand);
  const sagas = spans && new SagaSpans(spans, sagaSpanLimit);
  const measure =
    meterProvider === false
      ? undefined
      : measuringObserver(otelMeasure((meterProvider ?? metrics).getMeter(scope), aliases), nameLimit);

  const observer: Observer<TelemetryEvent> = (event) => {
    measure?.(event);
    if (isRetryEvent(event)) calls?.observe(event);
    else if (isSagaEvent(event)) sagas?.observe(event);
    else if (spans !== undefined && isGuardTold(event)) noteGuard(event, aliases);
  };
  const close = (): void => sagas?.close();
  return {
    observer,
    guard: attempts.guard,
    retry: (given) => ({
      ...given,
      observer: both(observer, given.observer),
      guards: guardsWithin(attempts.guard, given.guards),
    }),
    saga: (saga) => tracedSaga(saga, (sagaId, key) => sagas?.contextOf(sagaId, key)),
    close,
    [Symbol.dispose]: close,
  };
}

function both(
  ours: Observer<TelemetryEvent>,
  theirs: RetryLoopOptions['observer'],
): NonNullable<RetryLoopOptions['observer']> {
  if (theirs === undefined) return ours;
  return (event) => {
    ours(event);
    theirs(event);
  };
}

function guardsWithin(first: Policy, given: ObservableOptions['guards']): NonNullable<ObservableOptions['guards']> {
  if (typeof given === 'function') return (origin) => [first, ...given(origin)];
  return [first, ...(given ?? [])];
}
