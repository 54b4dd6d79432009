import { expect, test } from 'vitest';
import { planKills } from './kill-plan.ts';

test('kills are spread over the run: one in each part, ascending, repeatable, the last before the end', () => {
  const options = { total: 25_900, kills: 5, seed: 1, inFlight: 256 };
  const { afterEnded, window } = planKills(options);
  expect(planKills(options).afterEnded).toEqual(afterEnded);
  expect(planKills({ ...options, seed: 2 }).afterEnded).not.toEqual(afterEnded);
  expect(window).toBe(256);
  afterEnded.forEach((ended, index) => {
    expect(ended).toBeGreaterThanOrEqual((index * 25_900) / 6 - 1);
    expect(ended).toBeLessThan(((index + 1) * 25_900) / 6);
  });
});

test('in a short run fewer orders are in flight, so that one batch of answers cannot run past a kill', () => {
  expect(planKills({ total: 150, kills: 5, seed: 1, inFlight: 256 }).window).toBe(12);
  expect(planKills({ total: 1, kills: 5, seed: 1, inFlight: 256 })).toMatchObject({
    window: 1,
    afterEnded: [0, 0, 0, 0, 0],
  });
});

test('without kills nothing is due and the window is what was asked for', () => {
  expect(planKills({ total: 10, kills: 0, seed: 1, inFlight: 256 })).toEqual({
    afterEnded: [],
    delaysMs: [],
    window: 256,
  });
});
