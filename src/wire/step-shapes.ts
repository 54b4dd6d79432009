import { type TSchema, Type } from 'typebox';
import { anything, duration, headers, listOf, name, objectOf, oneOf, optional, refTo, text, truth } from './shape.ts';
import type { WireBackoff, WireCall, WireFailure, WireRetry, WireStep } from './step.ts';

const call = objectOf<WireCall>({
  url: Type.String({ maxLength: 2048, description: 'An absolute http or https URL.' }),
  method: optional(oneOf('POST', 'PUT', 'PATCH', 'DELETE')),
  headers: optional(headers),
});

const backoff = objectOf<WireBackoff>({
  kind: oneOf('exponential', 'fixed', 'linear', 'fibonacci', 'decorrelated', 'sequence'),
  initialDelay: optional(duration),
  factor: optional(Type.Number({ minimum: 1 })),
  increment: optional(duration),
  maxDelay: optional(duration),
  jitter: optional(
    Type.Unsafe({
      type: ['string', 'object'],
      pattern: '^(none|full|equal|decorrelated)$',
      properties: { proportional: { type: 'number', minimum: 0, maximum: 1 } },
      required: ['proportional'],
      additionalProperties: false,
    }),
  ),
  delays: optional(listOf(duration, { minItems: 1, maxItems: 100 })),
});

const retry = objectOf<WireRetry>({
  maxAttempts: optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  backoff: optional(refTo('Backoff')),
  retryOn: optional(
    listOf(
      Type.Unsafe({
        type: ['integer', 'string'],
        minimum: 100,
        maximum: 599,
        pattern: '^([1-5]xx|not-sent|timeout|reset|transient|any)$',
      }),
      { maxItems: 100 },
    ),
  ),
  respectRetryAfter: optional(truth),
});

const step = objectOf<WireStep>({
  name,
  action: refTo('Call'),
  compensation: optional(refTo('Call')),
  status: optional(refTo('Call')),
  input: optional(anything),
  after: optional(listOf(name, { maxItems: 1000 })),
  pivot: optional(truth),
  readOnly: optional(truth),
  mode: optional(oneOf('durable', 'saga-first')),
  timeout: optional(duration),
  compensationTimeout: optional(duration),
  retry: optional(refTo('Retry')),
  compensationRetry: optional(refTo('Retry')),
  compensateOnFailure: optional(truth),
  barrier: optional(truth),
  nullSafe: optional(truth),
  maxFlight: optional(duration),
  headers: optional(headers),
});

/** The schemas of a step and its parts, by their names in the document. */
export const stepShapes: Readonly<Record<'Call' | 'Backoff' | 'Retry' | 'Step', TSchema>> = {
  Call: call,
  Backoff: backoff,
  Retry: retry,
  Step: step,
};

/** The schema of {@link WireFailure}. */
export const failureShape: TSchema = objectOf<WireFailure>({ code: text, message: text, step: optional(text) });
