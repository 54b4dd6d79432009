import { trace } from '@opentelemetry/api';
import { errorTypeOf } from '../telemetry/error-type.ts';
import type { GuardTold } from '../telemetry/telemetry-event.ts';
import { type SpanAttributes, type TelemetryAliases, withAliases } from './attributes.ts';

/** Notes what guards do on the span that is active then: under `telemetry.retry` the attempt that met the guard. */
export function noteGuard(event: GuardTold, aliases: TelemetryAliases): void {
  trace.getActiveSpan()?.addEvent(event.type, withAliases(attributesOf(event), aliases));
}

function attributesOf(event: GuardTold): SpanAttributes {
  const guard = { 'makegood.guard.name': event.name };
  if (event.type === 'guard.refused') return { ...guard, 'error.type': errorTypeOf(event.error) };
  return event.type === 'guard.fault' ? { ...guard, 'error.type': errorTypeOf(event.fault) } : guard;
}
