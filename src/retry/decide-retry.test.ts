import { expect, test } from 'vitest';
import { constant } from '../backoff/constant.ts';
import { exponential } from '../backoff/exponential.ts';
import { decideRetry, type FailedAttempt, resolveRetryRules, retryDefaults } from './decide-retry.ts';

const unavailable = { status: 503 };
const first: FailedAttempt = { error: unavailable, number: 1, previousDelayMs: undefined, remainingMs: Infinity };
const withHeader = (value: string): FailedAttempt => ({
  ...first,
  error: { ...unavailable, headers: { 'retry-after': value } },
});
const never = (): number => {
  throw new Error('nothing may be drawn');
};

test('by default four attempts, transient failures only, 100 ms doubling up to 5 s with full jitter', () => {
  expect(decideRetry(first, retryDefaults, () => 0.5)).toEqual({ retry: true, delayMs: 50 });
  expect(decideRetry({ ...first, number: 3 }, retryDefaults, () => 0.5)).toEqual({ retry: true, delayMs: 200 });
  const fourth = { ...first, number: 4 };
  expect(decideRetry(fourth, retryDefaults, never)).toEqual({ retry: false, reason: 'attempts-exhausted' });
  expect(resolveRetryRules()).toEqual(retryDefaults);
  expect(Object.isFrozen(retryDefaults) && Object.isFrozen(resolveRetryRules({}))).toBe(true);
});

test('an error that nobody knows is not retried', () => {
  for (const error of [new Error('odd'), undefined, null, 'text', { status: 400 }]) {
    expect(decideRetry({ ...first, error }, retryDefaults, never)).toEqual({ retry: false, reason: 'not-retryable' });
  }
});

test('maxAttempts 4 with 1 s doubling waits 1 s, 2 s, 4 s and makes no fifth attempt', () => {
  const rules = resolveRetryRules({ backoff: exponential({ initialDelay: '1s', jitter: 'none' }) });
  const decide = (number: number): unknown => decideRetry({ ...first, number }, rules, never);
  expect([1, 2, 3].map(decide)).toEqual([1000, 2000, 4000].map((delayMs) => ({ retry: true, delayMs })));
  expect(decide(4)).toEqual({ retry: false, reason: 'attempts-exhausted' });
});

test('a wait that would reach the deadline is refused, one that ends before it is not', () => {
  const rules = resolveRetryRules({ backoff: constant(100) });
  expect(decideRetry({ ...first, remainingMs: 100 }, rules, never)).toEqual({ retry: false, reason: 'deadline' });
  expect(decideRetry({ ...first, remainingMs: 101 }, rules, never)).toEqual({ retry: true, delayMs: 100 });
  const atOnce = resolveRetryRules({ backoff: constant(0) });
  expect(decideRetry({ ...first, remainingMs: 0 }, atOnce, never)).toEqual({ retry: false, reason: 'deadline' });
});

test('Retry-After is a floor: above maxDelay it is not capped, below the backoff it does not shorten', () => {
  const rules = resolveRetryRules({ backoff: exponential({ initialDelay: 200, maxDelay: 5000, jitter: 'none' }) });
  expect(decideRetry(withHeader('60'), rules, never)).toEqual({ retry: true, delayMs: 60_000 });
  expect(decideRetry(withHeader('0'), rules, never)).toEqual({ retry: true, delayMs: 200 });
  expect(decideRetry({ ...withHeader('60'), remainingMs: 30_000 }, rules, never)).toMatchObject({ reason: 'deadline' });
  const deaf = { ...rules, respectRetryAfter: false };
  expect(decideRetry(withHeader('60'), deaf, never)).toEqual({ retry: true, delayMs: 200 });
});

test('the backoff is told the retry number, the previous wait and the random source', () => {
  const seen: unknown[] = [];
  const backoff = { delayMs: (...args: unknown[]) => seen.push(args) };
  decideRetry({ ...first, number: 2, previousDelayMs: 70 }, resolveRetryRules({ backoff }), never);
  expect(seen).toEqual([[2, { previousDelayMs: 70, random: never }]]);
});

test('a predicate or backoff that throws counts as not retryable, and what it threw is handed on', () => {
  const fault = new Error('bug in a predicate');
  const throws = (): never => {
    throw fault;
  };
  expect(decideRetry(first, resolveRetryRules({ retryable: throws }), never)).toEqual({
    retry: false,
    reason: 'not-retryable',
    fault,
  });
  expect(decideRetry(first, resolveRetryRules({ backoff: { delayMs: throws } }), never)).toMatchObject({ fault });
  const wrong = decideRetry(first, resolveRetryRules({ backoff: { delayMs: () => Number.NaN } }), never);
  const complaint = 'Expected backoff.delayMs(1) to be finite and 0 ms or more, got NaN';
  expect(wrong).toMatchObject({ retry: false, fault: new RangeError(complaint) });
});

test('a delay of 2^31 ms and more is handed on whole', () => {
  const rules = resolveRetryRules({ backoff: constant(2 ** 31) });
  expect(decideRetry(first, rules, never)).toEqual({ retry: true, delayMs: 2 ** 31 });
});

test('options are checked where they enter, and the error tells what was expected and got', () => {
  const expected = 'Expected maxAttempts to be an integer ≥ 1, got ';
  for (const maxAttempts of [0, -1, 1.5, Number.NaN, Infinity]) {
    expect(() => resolveRetryRules({ maxAttempts })).toThrow(new RangeError(expected + maxAttempts));
  }
  expect(() => resolveRetryRules({ backoff: 100 as never })).toThrow(
    new TypeError('Expected backoff to be an object with delayMs(retryNumber), got number'),
  );
  expect(() => resolveRetryRules({ retryable: [] as never })).toThrow(
    new TypeError('Expected retryable to be a function of an error, got object'),
  );
  expect(() => resolveRetryRules({ respectRetryAfter: 1 as never })).toThrow(
    new TypeError('Expected respectRetryAfter to be true or false, got number'),
  );
});
