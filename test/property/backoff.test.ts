import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DescribedBackoff } from '../../src/backoff/backoff.ts';
import { backoffFrom } from '../../src/backoff/backoff-from.ts';
import { decorrelated } from '../../src/backoff/decorrelated.ts';
import { exponential } from '../../src/backoff/exponential.ts';
import { linear } from '../../src/backoff/linear.ts';
import type { ScheduleJitter } from '../../src/backoff/jitter.ts';

const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const retryNumber = fc.oneof(
  fc.integer({ min: 1, max: 70 }),
  fc.maxSafeInteger().map((number) => Math.max(1, Math.abs(number))),
  fc.constantFrom(31, 32, 33, 53, 64, 1024, 1025, 2 ** 31, 2 ** 32, 2 ** 53),
);
const scheduleJitter: fc.Arbitrary<ScheduleJitter> = fc.oneof(
  fc.constantFrom<ScheduleJitter>('none', 'full', 'equal'),
  fc.double({ min: 0, max: 1, noNaN: true }).map((proportional) => ({ proportional })),
);
const cap = fc.oneof(
  fc.double({ min: 0, max: 1e7, noNaN: true }),
  fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }),
);
// initialDelay is a share of maxDelay, so that it is never above it and often tiny beside it.
const bounds = fc.tuple(cap, fc.double({ min: 0, max: 1, noNaN: true })).map(([maxDelay, share]) => ({
  maxDelay,
  initialDelay: maxDelay * share,
}));
const factor = fc.double({ min: 1, max: 1e6, noNaN: true });

// A kind and its options, without the bounds.
const schedule = fc.oneof(
  fc.record({ kind: fc.constant('linear' as const), increment: cap }),
  fc.record({ kind: fc.constant('exponential' as const), factor }),
  fc.record({ kind: fc.constant('fibonacci' as const) }),
);

test('every delay is finite and in [0, maxDelay], for any options, retry number up to 2^53 and draw', () => {
  fc.assert(
    fc.property(schedule, bounds, scheduleJitter, retryNumber, draw, (kind, limits, jitter, number, drawn) => {
      const delayMs = backoffFrom({ ...kind, ...limits, jitter }).delayMs(number, { random: () => drawn });
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(limits.maxDelay);
    }),
    { numRuns: 2000 },
  );
});

test('every decorrelated delay is in [initialDelay, maxDelay], whatever the previous delay', () => {
  fc.assert(
    fc.property(bounds, retryNumber, draw, fc.option(fc.double()), (limits, number, drawn, previous) => {
      const context = { previousDelayMs: previous ?? undefined, random: () => drawn };
      const delayMs = decorrelated(limits).delayMs(number, context);
      expect(delayMs).toBeGreaterThanOrEqual(limits.initialDelay);
      expect(delayMs).toBeLessThanOrEqual(limits.maxDelay);
    }),
    { numRuns: 2000 },
  );
});

test('without jitter no delay is shorter than the one before it', () => {
  fc.assert(
    fc.property(schedule, bounds, retryNumber, (kind, limits, number) => {
      const backoff = backoffFrom({ ...kind, ...limits, jitter: 'none' });
      expect(backoff.delayMs(number + 1)).toBeGreaterThanOrEqual(backoff.delayMs(number));
    }),
    { numRuns: 1000 },
  );
});

test('jitter keeps to its range: full [0, d], equal [d/2, d], proportional d·(1 ± r) up to the cap', () => {
  fc.assert(
    fc.property(bounds, factor, retryNumber, draw, scheduleJitter, (limits, growth, number, drawn, jitter) => {
      const make = (chosen: ScheduleJitter): DescribedBackoff =>
        exponential({ ...limits, factor: growth, jitter: chosen });
      const plain = make('none').delayMs(number);
      const delayMs = make(jitter).delayMs(number, { random: () => drawn });
      const ratio = typeof jitter === 'object' ? jitter.proportional : 0;
      const low = jitter === 'full' ? 0 : jitter === 'equal' ? plain / 2 : plain * (1 - ratio);
      const high = Math.min(plain * (1 + ratio), limits.maxDelay);
      // The second part is for delays so small that a double has no digits left for them.
      const roundingError = 1e-12 * plain + 1e-300;
      expect(delayMs).toBeGreaterThanOrEqual(low - roundingError);
      expect(delayMs).toBeLessThanOrEqual(high + roundingError);
    }),
    { numRuns: 1000 },
  );
});

test('exponential with factor f multiplies each delay below the cap by f; linear adds its increment', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 40 }), (initialDelay, number) => {
      const limits = { initialDelay, maxDelay: Number.MAX_VALUE, jitter: 'none' } as const;
      const doubled = exponential(limits);
      expect(doubled.delayMs(number + 1)).toBe(2 * doubled.delayMs(number));
      const added = linear(limits);
      expect(added.delayMs(number + 1) - added.delayMs(number)).toBe(initialDelay);
    }),
  );
});
