export { type InstrumentName, instruments, type Instrument } from '../telemetry/instruments.ts';
export type { TelemetryEvent } from '../telemetry/telemetry-event.ts';
export { shortNames, type SpanAttributeName, type TelemetryAliases } from './attributes.ts';
export {
  type ObservableOptions,
  openTelemetry,
  type OpenTelemetry,
  openTelemetryDefaults,
  type OpenTelemetryOptions,
} from './open-telemetry.ts';
export { tracingCaller } from './tracing-caller.ts';
export { traceHeaders, tracingFetch, withTraceFrom } from './propagation.ts';
