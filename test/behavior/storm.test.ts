import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stormChart } from '../../bench/storm/chart.ts';
import { figuresOf } from '../../bench/storm/figures.ts';
import { ourSystems } from '../../bench/storm/our-systems.ts';
import { simulate, type StormPlan, type System } from '../../bench/storm/simulate.ts';

/** A smaller storm than the bench's: a brown-out of ten seconds, 300 calls a second. */
const plan: StormPlan = {
  seed: 11,
  hearing: 'deadline',
  offered: 300,
  capacity: 360,
  brownOutShare: 0.1,
  fromSecond: 2,
  toSecond: 12,
  seconds: 20,
  patienceMs: 1000,
  processes: 1,
};

function system(name: string): System {
  const found = ourSystems[name];
  if (found === undefined) throw new RangeError(`no system "${name}"`);
  return found;
}

test('storm: the default policy adds at most 11 % of load, 15 % at its peak, and is well within a second', async () => {
  const figures = figuresOf(await simulate(system('makegood, default policy'), plan));
  const alone = figuresOf(await simulate(system('no retry'), plan));
  expect(figures.amplification).toBeLessThanOrEqual(1.11);
  expect(figures.peak / alone.peak).toBeLessThanOrEqual(1.15);
  expect(figures.recoverySeconds).toBeLessThanOrEqual(1);
  expect(figures.goodput / alone.goodput).toBeGreaterThanOrEqual(0.97);
});

test('storm: without a budget the same calls are more than three times the load, and the server does not come back', async () => {
  const figures = figuresOf(await simulate(system('makegood retry(), no budget'), plan));
  expect(figures.amplification).toBeGreaterThan(3);
  expect(figures.recoverySeconds).toBeNull();
});

test('storm: the same seed gives the same storm, another seed another', async () => {
  const small = { ...plan, offered: 100, capacity: 120, seconds: 14 };
  const storm = (seed: number): ReturnType<typeof simulate> =>
    simulate(system('makegood, default policy'), { ...small, seed });
  expect(await storm(1)).toEqual(await storm(1));
  expect((await storm(1)).attempts).not.toEqual((await storm(2)).attempts);
});

const root = join(import.meta.dirname, '../..');
const results = join(root, 'bench/results/storm.json');

test('storm: the picture in the docs shows the results on record', () => {
  const { plan: drawnPlan, drawn } = JSON.parse(readFileSync(results, 'utf8')) as {
    readonly plan: StormPlan;
    readonly drawn: readonly { readonly title: string; readonly attempts: string }[];
  };
  const lines = drawn.map(({ title, attempts }) => ({ title, attempts: attempts.split(' ').map(Number) }));
  expect(readFileSync(join(root, 'docs/assets/storm.svg'), 'utf8')).toBe(stormChart(drawnPlan, lines));
});
