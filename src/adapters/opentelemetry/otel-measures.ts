import type { Attributes, Meter } from '@opentelemetry/api';
import { type Instrument, type InstrumentName, instruments, type Measure } from '../telemetry/instruments.ts';
import type { TelemetryAliases } from './attributes.ts';

type Keep = (value: number, attributes: Attributes) => void;

/** Hands measurements to a meter, each under its name and its second name, if it has one. */
export function otelMeasure(meter: Meter, aliases: TelemetryAliases): Measure {
  const keepers = new Map<InstrumentName, Keep>();
  for (const name of Object.keys(instruments) as InstrumentName[]) {
    const keep = makeKeeper(meter, name, instruments[name]);
    const alias = aliases[name];
    const keepAlias = alias === undefined ? undefined : makeKeeper(meter, alias, instruments[name]);
    keepers.set(
      name,
      keepAlias === undefined ? keep : (value, attributes) => (keep(value, attributes), keepAlias(value, attributes)),
    );
  }
  return (name, value, attributes) => keepers.get(name)?.(value, attributes);
}

function makeKeeper(meter: Meter, name: string, { kind, unit, description, buckets }: Instrument): Keep {
  const options = { unit, description };
  if (kind === 'histogram') {
    const histogram = meter.createHistogram(name, {
      ...options,
      ...(buckets !== undefined && { advice: { explicitBucketBoundaries: [...buckets] } }),
    });
    return (value, attributes) => histogram.record(value, attributes);
  }
  const counter = kind === 'counter' ? meter.createCounter(name, options) : meter.createUpDownCounter(name, options);
  return (value, attributes) => counter.add(value, attributes);
}
