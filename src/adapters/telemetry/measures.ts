import type { Observer } from '../../ports/observer.ts';
import type { RetryEvent } from '../../retry/retry-events.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import { BoundedNames } from './bounded-names.ts';
import { errorTypeOf } from './error-type.ts';
import { measureGuard } from './guard-measures.ts';
import type { InstrumentName, Measure, MeasureAttributes } from './instruments.ts';
import { SagaMeasures } from './saga-measures.ts';
import type { GuardTold, TelemetryEvent } from './telemetry-event.ts';

/** How many different names each attribute of a metric has at most, unless told otherwise. */
export const defaultNameLimit = 200;

// Only what users choose or servers answer needs a bound; outcomes are a closed set.
const openAttributes = ['makegood.operation.name', 'makegood.guard.name', 'makegood.saga.name', 'error.type'] as const;

/** Turns events into measurements of the instruments, with names bounded. */
export function measuringObserver(measure: Measure, nameLimit: number = defaultNameLimit): Observer<TelemetryEvent> {
  const names = new BoundedNames(nameLimit);
  const record = (instrument: InstrumentName, value: number, attributes: MeasureAttributes = {}): void => {
    const bounded: Record<string, string> = { ...attributes };
    for (const key of openAttributes) {
      const name = attributes[key];
      if (name !== undefined) bounded[key] = names.of(key, name);
    }
    measure(instrument, value, bounded);
  };
  const sagas = new SagaMeasures(record);
  return (event) => {
    if (isRetryEvent(event)) measureRetry(event, record);
    else if (isSagaEvent(event)) sagas.observe(event);
    else if (isGuardTold(event)) measureGuard(event, record);
  };
}

/** Whether a guard tells it; work that happens once has no measures. */
export function isGuardTold(event: TelemetryEvent): event is GuardTold {
  return (
    !isRetryEvent(event) &&
    !isSagaEvent(event) &&
    !isDiskEvent(event) &&
    !/^(?:idempotency|server|causality|provisional|saga-first|compensator|choreography)\./.test(event.type)
  );
}

/** Whether a log tells it, or what stands on one. */
function isDiskEvent({ type }: TelemetryEvent): boolean {
  return /^(?:wal|journal|wal-store|entry-log)\./.test(type);
}

/** Whether the event tells of a retried call. */
export function isRetryEvent(event: TelemetryEvent): event is RetryEvent {
  return event.type.startsWith('retry.');
}

/** Whether the event tells of a saga or its coordinator. */
export function isSagaEvent(event: TelemetryEvent): event is SagaEvent {
  return /^(?:saga|tempo|attention)\./.test(event.type);
}

function measureRetry(event: RetryEvent, record: Measure): void {
  const operation = { 'makegood.operation.name': event.name };
  switch (event.type) {
    case 'retry.attempt-ended': {
      const attempt = { ...operation, 'makegood.attempt.outcome': event.outcome };
      const errorType = event.outcome === 'success' ? undefined : { 'error.type': errorTypeOf(event.error) };
      record('makegood.attempts', 1, { ...attempt, ...errorType });
      record('makegood.attempt.duration', event.elapsedMs / 1000, attempt);
      return;
    }
    case 'retry.scheduled':
      record('makegood.retries', 1, { ...operation, 'error.type': errorTypeOf(event.error) });
      record('makegood.retry.delay', event.delayMs / 1000, operation);
      return;
    case 'retry.succeeded':
    case 'retry.ended': {
      const outcome = event.type === 'retry.succeeded' ? 'success' : event.reason;
      record('makegood.operation.duration', event.elapsedMs / 1000, {
        ...operation,
        'makegood.operation.outcome': outcome,
      });
      return;
    }
    case 'retry.attempt-started':
      return;
  }
}
