/**
 * The envelope of an event of a choreographed saga: CloudEvents 1.0, structured JSON, with extension attributes in lower
 * case as its section "Naming conventions" demands.
 */
import { freezeJson, type JsonValue } from '../saga/json-value.ts';
import { MalformedEventError } from './choreography-errors.ts';

/** What a retry event says of the retry, beside the payload it carries again. */
export interface RetryNote {
  /** How often the reaction has failed so far. */
  readonly attempts: number;
  /** The wait before this delivery, in ms. */
  readonly backoffms: number;
  /** The failure's stable code. */
  readonly code: string;
  readonly message: string;
}

/** An event of a choreographed saga, in the names of CloudEvents 1.0; those of sagas are extension attributes. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** Unique within `source`; together they tell doubles apart. */
  readonly id: string;
  /** The service that has emitted it. */
  readonly source: string;
  /** What has happened: `order.placed`. */
  readonly type: string;
  /** By the emitter's clock, RFC 3339; for display only. */
  readonly time: string;
  readonly data: JsonValue;
  /** The saga it belongs to; events of one saga keep their order. */
  readonly sagaid: string;
  /** Position among the events of this source in this saga: 1, 2, 3, given by the outbox. */
  readonly sequence: number;
  /** Version of the data's form; a consumer without it parks the event. Default `'1'`. */
  readonly dataversion?: string;
  /** The event that began all this. */
  readonly correlationid?: string;
  /** The event that this one is a reaction to. */
  readonly causationid?: string;
  /** How many events led to this one; bounds loops. */
  readonly hops?: number;
  /** After this moment, RFC 3339, nobody may react any more. */
  readonly expirytime?: string;
  /** The version of the entity that this event may be applied to. */
  readonly expectedversion?: number;
  /** The one consumer group that this event is for. */
  readonly target?: string;
  /** The event that is delivered again, by id and source, and which retry this is, from 1. */
  readonly retryof?: string;
  readonly retrysource?: string;
  readonly retryattempt?: number;
  readonly retry?: RetryNote;
  /** Since when it is held for something that is not there yet, RFC 3339, by the consumer's inbox. */
  readonly heldsince?: string;
  /** What its emitter had seen of the saga: the clock of each producer, as JSON. */
  readonly vectorclock?: string;
  readonly traceparent?: string;
}

const texts = ['id', 'source', 'type', 'time', 'sagaid'] as const;
const optionalTexts = [
  'dataversion',
  'correlationid',
  'causationid',
  'expirytime',
  'heldsince',
  'target',
  'retryof',
  'retrysource',
  'vectorclock',
  'traceparent',
] as const;
const optionalCounts = ['hops', 'expectedversion', 'retryattempt'] as const;

/**
 * An event as the text that travels: CloudEvents structured JSON, media type `application/cloudevents+json`.
 *
 * @example
 * const event = { specversion: '1.0', id: '1', source: 'shop', type: 'order.placed', time: '2026-01-01T00:00:00Z',
 *   data: { sku: 'tea' }, sagaid: 'order-7', sequence: 1 } as const;
 * decodeEvent(encodeEvent(event)).sagaid // => 'order-7'
 */
export function encodeEvent(event: CloudEvent): string {
  return JSON.stringify({ ...event, datacontenttype: 'application/json' });
}

/**
 * Reads an event and checks that it has what every event of a saga has. Attributes that nobody here knows are kept.
 *
 * @throws {MalformedEventError} when it is not JSON, not CloudEvents 1.0, or an attribute is missing or of another kind.
 * @example
 * const text = '{"specversion":"1.0","id":"1","source":"shop","type":"order.placed","time":"2026-01-01T00:00:00Z",'
 *   + '"data":{},"sagaid":"order-7","sequence":1}';
 * decodeEvent(text).type // => 'order.placed'
 */
export function decodeEvent(text: string): CloudEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MalformedEventError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MalformedEventError('it is no object');
  const fault = faultOf(value as Record<string, unknown>);
  if (fault !== undefined) throw new MalformedEventError(fault);
  return freezeJson(value as CloudEvent);
}

/** What is wrong with an event, if anything is. */
function faultOf(event: Readonly<Record<string, unknown>>): string | undefined {
  if (event['specversion'] !== '1.0') return `specversion is ${shown(event['specversion'])}, not "1.0"`;
  for (const name of texts) if (!isText(event[name])) return `${name} is ${shown(event[name])}, not a text`;
  for (const name of optionalTexts)
    if (event[name] !== undefined && !isText(event[name])) return `${name} is ${shown(event[name])}, not a text`;
  if (!isCount(event['sequence'], 1)) return `sequence is ${shown(event['sequence'])}, not an integer ≥ 1`;
  for (const name of optionalCounts)
    if (event[name] !== undefined && !isCount(event[name], 0))
      return `${name} is ${shown(event[name])}, not an integer ≥ 0`;
  if (event['data'] === undefined) return 'it has no data';
  for (const name of ['expirytime', 'heldsince'] as const)
    if (isText(event[name]) && Number.isNaN(Date.parse(event[name])))
      return `${name} is ${shown(event[name])}, not a time`;
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 2000;
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : (JSON.stringify(value)?.slice(0, 80) ?? typeof value);
}
