import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from './system-clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

const turn = (): Promise<void> => new Promise((resolve) => systemClock.soon(resolve));

test('fires once, after its delay, never synchronously', async () => {
  let fired = 0;
  const startedMs = systemClock.monotonicMs();
  const passedMs = await new Promise<number>((resolve) => {
    systemClock.setTimer(5, () => {
      fired++;
      resolve(systemClock.monotonicMs() - startedMs);
    });
    expect(fired).toBe(0);
  });
  // Node rounds timers to whole milliseconds and may fire up to one early.
  expect(passedMs).toBeGreaterThanOrEqual(4);
  expect(fired).toBe(1);
});

test('a delay of 2^31 ms does not fire at once, as setTimeout would', async () => {
  let fired = 0;
  const handles = [2 ** 31, 2 ** 32 + 1, 2 ** 53, Infinity].map((delayMs) =>
    systemClock.setTimer(delayMs, () => fired++),
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const handle of handles) systemClock.clearTimer(handle);
  expect(fired).toBe(0);
});

test('a delay of 60 days fires after 60 days', () => {
  vi.useFakeTimers();
  const days = 24 * 3_600_000;
  let fired = 0;
  systemClock.setTimer(60 * days, () => fired++);
  vi.advanceTimersByTime(60 * days - 1);
  expect(fired).toBe(0);
  vi.advanceTimersByTime(1);
  expect([fired, vi.getTimerCount()]).toEqual([1, 0]);
});

test('a long timer that is taken back leaves no timer behind, also after it was re-armed', () => {
  vi.useFakeTimers();
  let fired = 0;
  const fresh = systemClock.setTimer(2 ** 33, () => fired++);
  const rearmed = systemClock.setTimer(2 ** 33, () => fired++);
  systemClock.clearTimer(fresh);
  vi.advanceTimersByTime(2 ** 32);
  systemClock.clearTimer(rearmed);
  systemClock.clearTimer(rearmed);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(2 ** 33);
  expect(fired).toBe(0);
});

test('takes back nothing without complaint', () => {
  systemClock.clearTimer(undefined);
});

test('soon runs after the promises that are ready now, and before the next soon', async () => {
  const order: string[] = [];
  systemClock.soon(() => order.push('first turn'));
  systemClock.soon(() => order.push('still the first turn'));
  void Promise.resolve().then(() => order.push('promise'));
  order.push('now');
  await turn();
  expect(order).toEqual(['now', 'promise', 'first turn', 'still the first turn']);
});

test('elapsed time never decreases, and stamps are milliseconds since 1970', () => {
  const readings = Array.from({ length: 1000 }, () => systemClock.monotonicMs());
  expect(readings.every((reading, index) => index === 0 || reading >= (readings[index - 1] ?? 0))).toBe(true);
  expect(systemClock.now()).toBeGreaterThan(Date.UTC(2024));
});
