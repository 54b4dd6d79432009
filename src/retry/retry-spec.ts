import { backoffFrom } from '../backoff/backoff-from.ts';
import type { BackoffSpec } from '../backoff/backoff-spec.ts';
import { isTimeout } from '../predicate/abort.ts';
import { byCode } from '../predicate/by-code.ts';
import { byStatus, type StatusPattern } from '../predicate/by-status.ts';
import { causedBy } from '../predicate/caused-by.ts';
import { anyOf, type ErrorTest } from '../predicate/predicate.ts';
import { isTransient } from '../predicate/transient.ts';
import { type RetryRules, resolveRetryRules } from './decide-retry.ts';

/**
 * Which failures are tried again, as data: an HTTP status (`429`, `'5xx'`), or a class. `'not-sent'`: the connection never
 * came about. `'timeout'`: no answer in time. `'reset'`: the connection broke. `'transient'`: what `isTransient` knows.
 * `'any'`: everything.
 */
export type RetryOn = StatusPattern | 'not-sent' | 'timeout' | 'reset' | 'transient' | 'any';

/** A retry policy as plain JSON, for configuration files and requests. What is left out has its default. */
export interface RetrySpec {
  readonly maxAttempts?: number;
  readonly backoff?: BackoffSpec;
  /** Default `['transient']`. */
  readonly retryOn?: readonly RetryOn[];
  readonly respectRetryAfter?: boolean;
}

/** A name of {@link namedRetries}. */
export type RetryName = 'none' | 'fixed' | 'exponential' | 'patient';

/**
 * Policies with a name, so that a configuration can say `"exponential"`. All make 4 executions, that is at most 3 retries.
 *
 * - `none`: 1 execution.
 * - `fixed`: a second between them.
 * - `exponential`: 100 ms, doubling, at most 1,600 ms, full jitter.
 * - `patient`: 1 s, doubling, at most a minute, full jitter, 10 executions.
 */
export const namedRetries: Readonly<Record<RetryName, RetrySpec>> = /* @__PURE__ */ Object.freeze({
  none: { maxAttempts: 1 },
  fixed: { maxAttempts: 4, backoff: { kind: 'fixed', initialDelay: '1s' } },
  exponential: {
    maxAttempts: 4,
    backoff: { kind: 'exponential', initialDelay: '100ms', maxDelay: '1600ms', jitter: 'full' },
  },
  patient: { maxAttempts: 10, backoff: { kind: 'exponential', initialDelay: '1s', maxDelay: '1m', jitter: 'full' } },
});

const classes: Readonly<Record<Exclude<RetryOn, StatusPattern>, ErrorTest>> = {
  'not-sent': causedBy(
    byCode('ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'MAKEGOOD_CALL_NOT_SENT'),
  ),
  timeout: causedBy(anyOf(isTimeout, byCode('ETIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'))),
  reset: causedBy(byCode('ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'MAKEGOOD_CALL_BROKEN')),
  transient: isTransient,
  any: () => true,
};

const specOptions = ['maxAttempts', 'backoff', 'retryOn', 'respectRetryAfter'];

/**
 * Retry rules of their description, by name or as data from outside: everything is checked, and an option that does not
 * exist is refused rather than ignored.
 *
 * @param spec a name of {@link namedRetries}, or a {@link RetrySpec}.
 * @throws {TypeError} when the name, an option or a class of failures is unknown.
 * @throws {RangeError} when a value is out of its range.
 * @example
 * retryRulesFrom('exponential').maxAttempts // => 4
 */
export function retryRulesFrom(spec: RetryName | RetrySpec): RetryRules {
  if (typeof spec === 'string') return retryRulesFrom(named(spec));
  if (typeof spec !== 'object' || spec === null) {
    throw new TypeError(
      `Expected a retry policy to be a name or an object, got ${spec === null ? 'null' : typeof spec}`,
    );
  }
  const stranger = Object.keys(spec).find((option) => !specOptions.includes(option));
  if (stranger !== undefined) {
    throw new TypeError(
      `Expected a retry policy to have only ${specOptions.join(', ')}, got ${JSON.stringify(stranger)}`,
    );
  }
  const { maxAttempts, backoff, retryOn, respectRetryAfter } = spec;
  return resolveRetryRules({
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(respectRetryAfter === undefined ? {} : { respectRetryAfter }),
    ...(backoff === undefined ? {} : { backoff: backoffFrom(backoff) }),
    ...(retryOn === undefined ? {} : { retryable: predicateOf(retryOn) }),
  });
}

function named(name: string): RetrySpec {
  if (Object.hasOwn(namedRetries, name)) return namedRetries[name as RetryName];
  throw new TypeError(
    `Expected the name of a retry policy to be one of ${Object.keys(namedRetries).join(', ')}, got ${JSON.stringify(name)}`,
  );
}

function predicateOf(retryOn: readonly RetryOn[]): ErrorTest {
  if (!Array.isArray(retryOn)) throw new TypeError(`Expected retryOn to be an array, got ${typeof retryOn}`);
  return anyOf(...retryOn.map(testOf));
}

function testOf(what: RetryOn): ErrorTest {
  if (typeof what === 'string' && Object.hasOwn(classes, what)) return classes[what as keyof typeof classes];
  if (typeof what === 'number' || /^[1-5]xx$/.test(what)) return byStatus(what as StatusPattern);
  const known = ['a status', '"5xx"', ...Object.keys(classes).map((name) => `"${name}"`)].join(', ');
  throw new TypeError(`Expected retryOn to hold ${known}, got ${JSON.stringify(what)}`);
}
