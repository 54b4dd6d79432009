import type { Observer } from '../../ports/observer.ts';
import { type InstrumentName, instruments } from '../telemetry/instruments.ts';
import { defaultNameLimit, measuringObserver } from '../telemetry/measures.ts';
import type { TelemetryEvent } from '../telemetry/telemetry-event.ts';
import { MetricFamily } from './metric-family.ts';

/** Options of {@link prometheus}. */
export interface PrometheusOptions {
  /** How many different values each label has at most; the rest is `_OTHER`. Default 200. */
  readonly nameLimit?: number | undefined;
}

/** The defaults of {@link prometheus}. */
export const prometheusDefaults: { readonly nameLimit: number } = Object.freeze({ nameLimit: defaultNameLimit });

/** Metrics that Prometheus can read; made by {@link prometheus}. */
export interface PrometheusMetrics {
  /** Give it to whatever takes an observer; one may serve all of a process. */
  readonly observer: Observer<TelemetryEvent>;
  /** All metrics in Prometheus' text format. */
  text(): string;
  /** The answer to a scrape: the text with its content type, for a handler of web-standard requests. */
  response(): Response;
}

/** The content type of {@link PrometheusMetrics.text} (Prometheus, "Exposition formats", text-based format 0.0.4). */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Keeps the metrics of retried calls and sagas for Prometheus to read, without any library. The names are those that
 * `makegood/adapters/opentelemetry` gives by way of a collector, so that the dashboard and the alert rules serve both.
 *
 * @param options.nameLimit different values of a label. Default 200.
 * @throws {RangeError} when `nameLimit` is not an integer ≥ 1.
 * @example
 * const metrics = prometheus();
 * await retry(async () => 1, { observer: metrics.observer, name: 'page' });
 * metrics.text().includes('makegood_attempts_total{makegood_operation_name="page",makegood_attempt_outcome="success"} 1') // => true
 */
export function prometheus(options: PrometheusOptions = {}): PrometheusMetrics {
  const { nameLimit = prometheusDefaults.nameLimit } = options;
  const names = Object.keys(instruments) as InstrumentName[];
  const families = new Map(names.map((name) => [name, new MetricFamily(name, instruments[name])]));
  const text = (): string => [...families.values()].map((family) => family.write()).join('');
  return {
    observer: measuringObserver((name, value, attributes) => families.get(name)?.record(value, attributes), nameLimit),
    text,
    response: () => new Response(text(), { headers: { 'content-type': prometheusContentType } }),
  };
}
