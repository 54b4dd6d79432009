import type { Instrument } from '../telemetry/instruments.ts';

// What OpenTelemetry's Prometheus compatibility specification makes of a metric: dots become underscores, the unit is
// added as a word, a counter ends in `_total`, and a unit in braces is only a note for people.
const unitWords: Readonly<Record<string, string>> = { s: '_seconds' };

/** What Prometheus calls a metric; the same name as by way of OpenTelemetry's collector, so one dashboard serves both. */
export function prometheusName(name: string, { kind, unit }: Pick<Instrument, 'kind' | 'unit'>): string {
  return `${labelName(name)}${unitWords[unit] ?? ''}${kind === 'counter' ? '_total' : ''}`;
}

/** What Prometheus calls an attribute. */
export function labelName(attribute: string): string {
  return attribute.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}
