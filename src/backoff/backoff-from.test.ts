import { expect, test } from 'vitest';
import type { DescribedBackoff } from './backoff.ts';
import { backoffFrom } from './backoff-from.ts';
import type { BackoffSpec } from './backoff-spec.ts';
import { constant } from './constant.ts';
import { decorrelated } from './decorrelated.ts';
import { exponential } from './exponential.ts';
import { fibonacci } from './fibonacci.ts';
import { linear } from './linear.ts';
import { sequence } from './sequence.ts';

const all: readonly [string, DescribedBackoff][] = [
  ['fixed', constant('1s', { jitter: 'equal' })],
  ['linear', linear({ increment: '50ms' })],
  ['exponential', exponential({ factor: 1.5, jitter: { proportional: 0.1 } })],
  ['exponential', exponential({ jitter: 'decorrelated' })],
  ['fibonacci', fibonacci()],
  ['sequence', sequence(['1s', '2s', '4s'], { jitter: 'equal' })],
  ['decorrelated', decorrelated()],
];

test.each(all)('%s: its description survives JSON and makes a backoff with equal delays', (kind, backoff) => {
  const spec = JSON.parse(JSON.stringify(backoff.describe())) as BackoffSpec;
  expect(spec.kind).toBe(kind);
  const again = backoffFrom(spec);
  expect(again.describe()).toEqual(backoff.describe());
  for (const retryNumber of [1, 2, 5, 2 ** 53]) {
    const context = { previousDelayMs: 321, random: () => 0.3 };
    expect(again.delayMs(retryNumber, context)).toBe(backoff.delayMs(retryNumber, context));
  }
});

test('describes every option, durations in milliseconds, and cannot be changed through its description', () => {
  const backoff = exponential();
  const described = { kind: 'exponential', initialDelay: 100, factor: 2, maxDelay: 5000, jitter: 'full' };
  expect(backoff.describe()).toEqual(described);
  expect(() => Object.assign(backoff.describe(), { maxDelay: 1 })).toThrow(TypeError);
});

test('gives an option left out the default of its kind', () => {
  expect(backoffFrom({ kind: 'exponential' }).describe()).toEqual(exponential().describe());
  expect(backoffFrom({ kind: 'fixed', initialDelay: '2s' }).describe()).toEqual(constant('2s').describe());
});

function refused(spec: unknown, message: string): void {
  expect(() => backoffFrom(spec as BackoffSpec)).toThrow(message);
}

test('refuses unknown kinds, options of another kind and values that cannot be read', () => {
  refused(null, 'Expected backoff to be an object with a kind, got null');
  refused('exponential', 'Expected backoff to be an object with a kind, got string');
  refused(
    { kind: 'expo' },
    'Expected backoff.kind to be "fixed", "linear", "exponential", "fibonacci", "sequence" or "decorrelated", got "expo"',
  );
  refused({ kind: 'toString' }, 'got "toString"');
  refused({ initialDelay: 5 }, 'got undefined');
  refused(
    { kind: 'linear', initialDelay: 5, factor: 2 },
    'Expected a backoff of kind "linear" to have only initialDelay, increment, maxDelay, jitter, got factor',
  );
  refused({ kind: 'fixed' }, 'Expected delay to be milliseconds or text');
  refused({ kind: 'exponential', maxDelay: 'soon' }, 'Expected maxDelay to be milliseconds or text');
  refused({ kind: 'exponential', factor: '2' }, 'Expected factor to be a finite number ≥ 1, got 2');
});
