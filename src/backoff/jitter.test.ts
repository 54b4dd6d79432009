import { expect, test } from 'vitest';
import { cryptoRandom, seededRandom } from '../ports/random.ts';
import { constant } from './constant.ts';
import { exponential } from './exponential.ts';
import { equalJitter, fullJitter, type ScheduleJitter } from './jitter.ts';

test('full jitter spreads from 0 to the delay, equal jitter from half of it', () => {
  expect([0, 0.5].map((draw) => fullJitter(800, () => draw))).toEqual([0, 400]);
  expect([0, 0.5].map((draw) => equalJitter(800, () => draw))).toEqual([400, 600]);
});

test('proportional jitter of 10 % spreads a second from 900 to 1,100 ms, and is cut at the cap', () => {
  const backoff = constant('1s', { jitter: { proportional: 0.1 } });
  const delays = [0, 0.5, 0.999].map((draw) => backoff.delayMs(1, { random: () => draw }));
  expect(delays[0]).toBeCloseTo(900, 9);
  expect(delays[1]).toBeCloseTo(1000, 9);
  expect(delays[2]).toBeCloseTo(1099.8, 9);
  const capped = exponential({ initialDelay: '5s', maxDelay: '5s', jitter: { proportional: 0.5 } });
  expect(capped.delayMs(1, { random: () => 0.75 })).toBe(5000);
});

test('jitter cannot be changed through the object it was given as', () => {
  const jitter = { proportional: 0 };
  const backoff = constant('1s', { jitter });
  jitter.proportional = 1;
  expect(backoff.delayMs(1, { random: () => 0 })).toBe(1000);
});

function firstDelays(seed: number): number[] {
  const random = seededRandom(seed);
  return [1, 2, 3, 4].map((retryNumber) => exponential().delayMs(retryNumber, { random }));
}

test('draws from the random source it is given, the same draws giving the same delays', () => {
  expect(firstDelays(42)).toEqual(firstDelays(42));
  expect(new Set([...firstDelays(42), ...firstDelays(43)]).size).toBe(8);
  expect(exponential().delayMs(3, { random: cryptoRandom })).toBeLessThan(400);
});

// Mean and standard deviation of a uniform distribution on [a, b] are (a + b) / 2 and (b − a) / √12.
const distributions: readonly [ScheduleJitter, number, number][] = [
  ['full', 0, 1000],
  ['equal', 500, 1000],
  [{ proportional: 0.1 }, 900, 1100],
  [{ proportional: 1 }, 0, 2000],
];

test.each(distributions)('100,000 draws of %j are uniform on [%d, %d] ms', (jitter, low, high) => {
  const random = seededRandom(20_151_103);
  const backoff = constant('1s', { jitter });
  const draws = Array.from({ length: 100_000 }, () => backoff.delayMs(1, { random }));
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length;
  // Four standard errors of the mean: (b − a) / √12 / √100,000 ≈ 0.00091 · (b − a).
  expect(Math.abs(mean - (low + high) / 2)).toBeLessThan(0.0037 * (high - low));
  expect(Math.sqrt(variance) / ((high - low) / Math.sqrt(12))).toBeCloseTo(1, 2);
  const tenths = Array.from({ length: 10 }, () => 0);
  for (const draw of draws) {
    const tenth = Math.floor(((draw - low) / (high - low)) * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

test('decorrelated delays climb to the neighbourhood of the cap and stay spread', () => {
  const random = seededRandom(7);
  const backoff = exponential({ jitter: 'decorrelated', initialDelay: '100ms', maxDelay: '5s' });
  let previousDelayMs: number | undefined;
  const delays: number[] = [];
  for (let retryNumber = 1; retryNumber <= 20_000; retryNumber++) {
    previousDelayMs = backoff.delayMs(retryNumber, { previousDelayMs, random });
    delays.push(previousDelayMs);
  }
  const settled = delays.slice(20);
  const atCap = settled.filter((delay) => delay === 5000).length / settled.length;
  // The published formula caps after the draw, so a third of the delays is the cap itself; the guide says so.
  expect(atCap).toBeGreaterThan(0.3);
  expect(atCap).toBeLessThan(0.4);
  expect(Math.min(...settled)).toBeLessThan(500);
});
