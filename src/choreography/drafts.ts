import type { Failure } from '../saga/failure.ts';
import { toJsonValue } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import { toMs } from '../time/duration.ts';
import { deadLetterHeaders, deadLetterTopic, targetHeader } from './broker.ts';
import type { CloudEvent } from './cloud-event.ts';
import type { OutboxDraft } from './outbox.ts';
import type { EmitOptions } from './reaction.ts';

/** Where and by whom events are made. */
export interface Emitter {
  readonly source: string;
  readonly topic: string;
  readonly newId: () => string;
}

/** A new event. */
export interface NewEvent {
  readonly type: string;
  readonly sagaId: string;
  readonly data: unknown;
  readonly options?: EmitOptions | undefined;
  /** The event it is a reaction to. */
  readonly cause?: CloudEvent | undefined;
}

/** An event for the outbox. */
export function draftOf({ source, topic, newId }: Emitter, now: number, made: NewEvent): OutboxDraft {
  const { type, sagaId, data, cause, options = {} } = made;
  const { expectedVersion, expiresIn, version } = options;
  const id = newId();
  return {
    topic,
    event: {
      specversion: '1.0',
      id,
      source,
      type: checkName(type, 'event type'),
      time: new Date(now).toISOString(),
      data: toJsonValue(data, `data of "${type}"`),
      sagaid: checkName(sagaId, 'saga id'),
      correlationid: cause?.correlationid ?? cause?.id ?? id,
      ...(cause !== undefined && { causationid: cause.id, hops: (cause.hops ?? 0) + 1 }),
      ...(cause?.traceparent !== undefined && { traceparent: cause.traceparent }),
      ...(version !== undefined && { dataversion: version }),
      ...(expectedVersion !== undefined && { expectedversion: expectedVersion }),
      ...(expiresIn !== undefined && { expirytime: new Date(now + toMs(expiresIn, 'expiresIn')).toISOString() }),
    },
  };
}

/** The retry that a failed delivery leads to. */
export interface Retry {
  readonly attempts: number;
  readonly delayMs: number;
  readonly failure: Failure;
  readonly heldSince?: number | undefined;
}

/** The event that delivers another again, to the one consumer that has failed at it, under an id of its own. */
export function retryDraftOf(
  { source, topic, newId }: Emitter,
  event: CloudEvent,
  { attempts, delayMs, failure, heldSince }: Retry,
): OutboxDraft {
  const { sequence: _, heldsince: __, ...carried } = event;
  return {
    topic,
    delayMs,
    headers: { [targetHeader]: source },
    event: {
      ...carried,
      id: newId(),
      source,
      target: source,
      retryof: event.retryof ?? event.id,
      retrysource: event.retrysource ?? event.source,
      retryattempt: attempts,
      retry: { attempts, backoffms: Math.ceil(delayMs), code: failure.code, message: failure.message },
      ...(heldSince !== undefined && { heldsince: new Date(heldSince).toISOString() }),
    },
  };
}

/** An event's copy among the dead letters; the inbox keeps the one that is redriven. */
export function deadLetterDraftOf(
  { source, topic }: Emitter,
  event: CloudEvent,
  { reason, detail, deliveries }: { readonly reason: string; readonly detail: string; readonly deliveries: number },
  now: number,
): OutboxDraft {
  return {
    topic: deadLetterTopic(topic),
    event,
    headers: {
      [deadLetterHeaders.group]: source,
      [deadLetterHeaders.reason]: reason,
      [deadLetterHeaders.detail]: detail.replaceAll(/[\r\n]+/g, ' ').slice(0, 1000),
      [deadLetterHeaders.topic]: topic,
      [deadLetterHeaders.deliveries]: String(deliveries),
      [deadLetterHeaders.time]: new Date(now).toISOString(),
    },
  };
}

/** An event as it was emitted, without what its retries have added. */
export function originalOf(event: CloudEvent): CloudEvent {
  const { target: _, retryof, retrysource, retryattempt: __, retry: ___, heldsince: ____, ...rest } = event;
  if (retryof === undefined) return event;
  return Object.freeze({ ...rest, id: retryof, source: retrysource ?? rest.source });
}
