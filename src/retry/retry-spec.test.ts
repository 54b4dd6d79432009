import { expect, test } from 'vitest';
import { DeadlineExceededError } from '../time/deadline-exceeded-error.ts';
import { namedRetries, type RetryName, type RetrySpec, retryRulesFrom } from './retry-spec.ts';

const last = (): number => 1 - 2 ** -53;

function waits(spec: RetryName | RetrySpec): number[] {
  const { maxAttempts, backoff } = retryRulesFrom(spec);
  return Array.from({ length: maxAttempts - 1 }, (_, index) =>
    Math.round(backoff.delayMs(index + 1, { random: last })),
  );
}

test('policies with a name: fixed interval, exponential of 100 ms up to 1,600 ms, at most 3 retries', () => {
  expect(waits('fixed')).toEqual([1000, 1000, 1000]);
  expect(waits('exponential')).toEqual([100, 200, 400]);
  const { maxAttempts, backoff } = retryRulesFrom({ ...namedRetries.exponential, maxAttempts: 9 });
  expect(Math.round(backoff.delayMs(maxAttempts - 1, { random: last }))).toBe(1600);
  expect(waits('none')).toEqual([]);
  expect(waits('patient').at(-1)).toBe(60_000);
});

test('what is left out has the default, and only known failures are tried again', () => {
  const { maxAttempts, retryable, respectRetryAfter } = retryRulesFrom({});
  expect([maxAttempts, respectRetryAfter]).toEqual([4, true]);
  expect([retryable({ status: 503 }), retryable(new Error('unknown'))]).toEqual([true, false]);
});

test.each<[RetrySpec['retryOn'], unknown, boolean]>([
  [[429], { status: 429 }, true],
  [[429], { status: 503 }, false],
  [['5xx'], { status: 503 }, true],
  [['not-sent'], new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }), true],
  [['not-sent'], { code: 'ECONNRESET' }, false],
  [['reset'], { code: 'ECONNRESET' }, true],
  [['timeout'], new DeadlineExceededError('call', { deadlineMs: 1, elapsedMs: 1 }), true],
  [['timeout', 500], { status: 500 }, true],
  [['any'], 'whatever', true],
  [[], { status: 503 }, false],
])('retryOn %j judges %o: %s', (retryOn = [], error, expected) => {
  expect(retryRulesFrom({ retryOn }).retryable(error)).toBe(expected);
});

test('what nobody knows is refused, with what would be right', () => {
  const refused: [unknown, string][] = [
    ['eager', 'Expected the name of a retry policy to be one of none, fixed, exponential, patient, got "eager"'],
    [null, 'Expected a retry policy to be a name or an object, got null'],
    [
      { retries: 3 },
      'Expected a retry policy to have only maxAttempts, backoff, retryOn, respectRetryAfter, got "retries"',
    ],
    [{ maxAttempts: 0 }, 'Expected maxAttempts to be an integer ≥ 1, got 0'],
    [{ backoff: { kind: 'random' } }, 'Expected backoff.kind to be'],
    [{ retryOn: 'any' }, 'Expected retryOn to be an array, got string'],
    [
      { retryOn: ['6xx'] },
      'Expected retryOn to hold a status, "5xx", "not-sent", "timeout", "reset", "transient", "any", got "6xx"',
    ],
  ];
  for (const [spec, message] of refused) expect(() => retryRulesFrom(spec as RetrySpec)).toThrow(message);
});
