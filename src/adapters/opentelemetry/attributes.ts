import type { InstrumentName } from '../telemetry/instruments.ts';

/** The attributes of spans, with their units. */
export type SpanAttributeName =
  | 'makegood.operation.name'
  | 'makegood.operation.outcome'
  | 'makegood.attempt.number'
  | 'makegood.attempt.max'
  | 'makegood.attempt.outcome'
  | 'makegood.attempt.count'
  | 'makegood.retry.delay'
  | 'makegood.guard.name'
  | 'makegood.saga.id'
  | 'makegood.saga.name'
  | 'makegood.saga.outcome'
  | 'makegood.saga.step'
  | 'makegood.saga.call'
  | 'makegood.saga.epoch'
  | 'makegood.saga.resumed'
  | 'http.request.resend_count'
  | 'error.type';

/** Second names, under which a metric or an attribute is told too; see {@link shortNames}. */
export type TelemetryAliases = Readonly<Partial<Record<InstrumentName | SpanAttributeName, string>>>;

/** Attributes of a span. */
export type SpanAttributes = Readonly<Partial<Record<SpanAttributeName, string | number | boolean>>>;

/**
 * Short second names for dashboards that were made before makegood: pass it as `aliases`. Values and units are the same
 * under either name, so a delay is in seconds.
 */
export const shortNames: TelemetryAliases = Object.freeze({
  'makegood.attempt.number': 'retry.attempt',
  'makegood.attempt.max': 'retry.max_attempts',
  'makegood.retry.delay': 'retry.backoff',
  'makegood.retries': 'retry.count',
});

/** The attributes, and those that have a second name under that too. */
export function withAliases(
  attributes: SpanAttributes,
  aliases: TelemetryAliases,
): Record<string, string | number | boolean> {
  const named: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(attributes)) {
    named[name] = value;
    const alias = aliases[name as SpanAttributeName];
    if (alias !== undefined) named[alias] = value;
  }
  return named;
}
