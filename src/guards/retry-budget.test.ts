import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { type RetryBudget, retryBudget } from './retry-budget.ts';

function drain(budget: RetryBudget): number {
  let retries = 0;
  while (budget.withdraw()) retries += 1;
  return retries;
}

test('starts full with ten retries, and then refuses', () => {
  const budget = retryBudget({ clock: testClock() });
  expect(drain(budget)).toBe(10);
  expect(budget.snapshot()).toEqual({ tokens: 0, capacity: 10, granted: 10, refused: 1 });
});

test('ten fresh calls pay for one retry, exactly', () => {
  const budget = retryBudget({ clock: testClock() });
  drain(budget);
  for (let call = 0; call < 9; call++) budget.deposit();
  expect(budget.withdraw()).toBe(false);
  budget.deposit();
  expect(drain(budget)).toBe(1);
});

test('one retry comes back each second, up to the capacity, however long nothing happens', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  drain(budget);
  await clock.advance(999);
  expect(budget.withdraw()).toBe(false);
  await clock.advance(1);
  expect(drain(budget)).toBe(1);
  await clock.advance(3_600_000);
  expect(drain(budget)).toBe(10);
});

test('time pays only what calls do not: at 50 calls a second there are 5 retries a second and not 6, at 5 there is 1', async () => {
  for (const [gapMs, paid] of [
    [20, 50],
    [200, 10],
  ] as const) {
    const clock = testClock();
    const budget = retryBudget({ clock });
    drain(budget);
    for (let passedMs = 0; passedMs < 10_000; passedMs += gapMs) {
      await clock.advance(gapMs);
      budget.deposit();
      budget.withdraw();
    }
    const { granted, tokens } = budget.snapshot();
    expect(granted + tokens).toBeCloseTo(10 + paid, 0);
  }
});

test('when calls stop, time pays again after a second', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  for (let call = 0; call < 1000; call++) budget.deposit();
  drain(budget);
  await clock.advance(1000);
  expect(budget.withdraw()).toBe(false);
  await clock.advance(1000);
  expect(drain(budget)).toBe(1);
});

test('a retry that was not made is given back, never above the capacity', () => {
  const budget = retryBudget({ clock: testClock() });
  drain(budget);
  budget.giveBack();
  expect(budget.snapshot()).toMatchObject({ tokens: 1, granted: 9 });
  const full = retryBudget({ clock: testClock() });
  full.deposit();
  full.giveBack();
  expect(full.snapshot().tokens).toBe(10);
});

test('a step of the wall clock neither gives nor takes', () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  drain(budget);
  clock.stepWallClock(3_600_000);
  expect(budget.withdraw()).toBe(false);
  clock.stepWallClock(-7_200_000);
  expect(budget.snapshot().tokens).toBe(0);
});

test('without a minimum a second, calls alone pay, and one retry can be saved up', async () => {
  const clock = testClock();
  const budget = retryBudget({ ratio: 0.5, minPerSecond: 0, clock });
  expect(drain(budget)).toBe(1);
  await clock.advance(3_600_000);
  expect(budget.withdraw()).toBe(false);
  budget.deposit();
  budget.deposit();
  expect(drain(budget)).toBe(1);
});

test('options are checked at once, and the error tells what was expected and got', () => {
  for (const rate of [-0.1, Number.NaN, Infinity, '1' as never]) {
    expect(() => retryBudget({ ratio: rate })).toThrow(
      new RangeError(`Expected ratio to be a finite number ≥ 0, got ${rate}`),
    );
    expect(() => retryBudget({ minPerSecond: rate })).toThrow(RangeError);
  }
  expect(() => retryBudget({ window: 0 })).toThrow(new RangeError('Expected window to be more than 0 ms, got 0'));
  expect(() => retryBudget({ window: 'long' as never })).toThrow(TypeError);
});
