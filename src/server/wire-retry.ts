/** Retry rules as they come over the wire, for steps whose participants are called over HTTP. */
import { backoffFrom } from '../backoff/backoff-from.ts';
import type { BackoffSpec } from '../backoff/backoff-spec.ts';
import type { DescribedBackoff } from '../backoff/backoff.ts';
import { isRepeatableCall } from '../outbound/remote-call-error.ts';
import { byCode } from '../predicate/by-code.ts';
import { byStatus, type StatusPattern } from '../predicate/by-status.ts';
import { anyOf, type ErrorTest } from '../predicate/predicate.ts';
import { isTransient } from '../predicate/transient.ts';
import type { RetryOptions } from '../retry/decide-retry.ts';
import { namedRetries, type RetryOn } from '../retry/retry-spec.ts';
import { ProblemError } from '../wire/problem.ts';
import type { PolicyRequest } from '../wire/requests.ts';
import type { WireBackoff, WireRetry } from '../wire/step.ts';

// A backoff of every kind may be written with the same properties; what its kind has no use for is left out here.
const useful: Readonly<Record<WireBackoff['kind'], readonly (keyof WireBackoff)[]>> = {
  fixed: ['initialDelay', 'jitter'],
  linear: ['initialDelay', 'increment', 'maxDelay', 'jitter'],
  exponential: ['initialDelay', 'factor', 'maxDelay', 'jitter'],
  fibonacci: ['initialDelay', 'maxDelay', 'jitter'],
  sequence: ['delays', 'jitter'],
  decorrelated: ['initialDelay', 'maxDelay'],
};

function backoffOf(backoff: WireBackoff): DescribedBackoff {
  const { kind } = backoff;
  const entries = useful[kind].flatMap((key) => (backoff[key] === undefined ? [] : [[key, backoff[key]] as const]));
  const delay = kind === 'fixed' && backoff.initialDelay === undefined ? { initialDelay: 100 } : {};
  return backoffFrom({ kind, ...delay, ...Object.fromEntries(entries) } as unknown as BackoffSpec);
}

const classes: Readonly<Record<Exclude<RetryOn, StatusPattern>, ErrorTest>> = {
  'not-sent': byCode('MAKEGOOD_CALL_NOT_SENT'),
  timeout: byCode('MAKEGOOD_CALL_TIMED_OUT', 'MAKEGOOD_DEADLINE_EXCEEDED'),
  reset: byCode('MAKEGOOD_CALL_BROKEN'),
  transient: isTransient,
  any: isRepeatableCall,
};

function testOf(retryOn: readonly RetryOn[]): ErrorTest {
  const tests = retryOn.map((what) =>
    typeof what === 'string' && Object.hasOwn(classes, what)
      ? classes[what as keyof typeof classes]
      : byStatus(what as StatusPattern),
  );
  const isOneOf = anyOf(...tests);
  // What was refused for certain is not tried again, whatever its status.
  return (error) => isRepeatableCall(error) && isOneOf(error);
}

/**
 * Retry options of their description. What is left out has the default of steps over HTTP: everything but a definite
 * refusal is tried again.
 *
 * @param path where the description stands, for the error.
 * @throws {ProblemError} `invalid`, when a value is out of its range.
 */
export function retryOptions(retry: PolicyRequest, path: string): RetryOptions {
  const spec: WireRetry = typeof retry === 'string' ? namedRetries[retry] : retry;
  const { maxAttempts, backoff, retryOn, respectRetryAfter } = spec;
  try {
    return {
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
      ...(backoff === undefined ? {} : { backoff: backoffOf(backoff) }),
      ...(respectRetryAfter === undefined ? {} : { respectRetryAfter }),
      retryable: retryOn === undefined ? isRepeatableCall : testOf(retryOn),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ProblemError('invalid', `${path}: ${message}`, { errors: [{ path, message }] });
  }
}
