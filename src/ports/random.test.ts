import { expect, test } from 'vitest';
import { cryptoRandom, type Random, seededRandom, systemRandom, uniqueId } from './random.ts';

const draws = (random: Random, count: number): number[] => Array.from({ length: count }, () => random());

test.each([
  ['systemRandom', systemRandom],
  ['cryptoRandom', cryptoRandom],
  ['seededRandom', seededRandom(1)],
])('%s: 100,000 draws lie in [0, 1) and are uniform', (_name, random) => {
  const numbers = draws(random, 100_000);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  // Six standard errors, 6 / √12 / √100,000: a good source fails once in 500 million runs.
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.0055);
  const counts = Array.from({ length: 100 }, () => 0);
  for (const number of numbers) counts[Math.floor(number * 100)] = (counts[Math.floor(number * 100)] ?? 0) + 1;
  // Chi-square with 99 degrees of freedom: mean 99, standard deviation 14.1; six of them.
  const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(chiSquare).toBeLessThan(184);
});

test('seededRandom repeats for the same seed and differs for another', () => {
  expect(draws(seededRandom(7), 100)).toEqual(draws(seededRandom(7), 100));
  expect(new Set([...draws(seededRandom(7), 100), ...draws(seededRandom(8), 100)]).size).toBe(200);
});

/** The correlation of two series that are uniform on [0, 1), whose variance is 1/12. */
function correlation(xs: readonly number[], ys: readonly number[]): number {
  return (12 / xs.length) * xs.reduce((sum, x, index) => sum + (x - 0.5) * ((ys[index] ?? 0) - 0.5), 0);
}

test('seededRandom: successive draws, and draws of neighbouring seeds, are not correlated', () => {
  const numbers = draws(seededRandom(3), 20_001);
  // The standard error of a correlation over 20,000 pairs is 0.007; five of them.
  expect(Math.abs(correlation(numbers.slice(0, -1), numbers.slice(1)))).toBeLessThan(0.035);
  const firsts = Array.from({ length: 20_001 }, (_, seed) => seededRandom(seed)());
  expect(Math.abs(correlation(firsts.slice(0, -1), firsts.slice(1)))).toBeLessThan(0.035);
});

test('a split stream is the same for the same name and seed, and its own for another', () => {
  const parent = seededRandom(7);
  expect(draws(parent.split('network'), 50)).toEqual(draws(seededRandom(7).split('network'), 50));
  const streams = ['network', 'disk', 'a', 'b'].map((name) => draws(parent.split(name), 50));
  expect(new Set([...streams.flat(), ...draws(parent, 50)]).size).toBe(250);
});

test('drawing from one stream does not shift another', () => {
  const parent = seededRandom(7);
  const before = draws(parent.split('disk'), 10);
  draws(parent, 1000);
  draws(parent.split('network'), 1000);
  expect(draws(parent.split('disk'), 10)).toEqual(before);
});

test('streams can be split again', () => {
  const deep = (): number[] => draws(seededRandom(7).split('node').split('disk'), 10);
  expect(deep()).toEqual(deep());
  expect(deep()).not.toEqual(draws(seededRandom(7).split('disk'), 10));
});

test('uniqueId is 32 hexadecimal digits, padded, without a double in 10,000, and repeats with its random source', () => {
  const ids = Array.from({ length: 10_000 }, () => uniqueId());
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(10_000);
  expect(uniqueId(() => 0)).toBe('0'.repeat(32));
  expect(uniqueId(seededRandom(7))).toBe(uniqueId(seededRandom(7)));
});
