import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('those beyond the bound wait, and are served in the order they came', () => {
  const served: string[] = [];
  const slots = new Slots<string>(1, (worker) => served.push(worker));
  expect([slots.take('a'), slots.take('b'), slots.take('c'), slots.take('b')]).toEqual([true, false, false, false]);
  slots.release();
  slots.release();
  expect(served).toEqual(['b', 'c']);
  slots.release();
  expect(slots.take('d')).toBe(true);
});

test('a hundred thousand that give their slot back at once, as when draining, do not exhaust the stack', () => {
  let served = 0;
  const slots = new Slots<number>(1, () => {
    served++;
    slots.release();
  });
  slots.take(-1);
  for (let worker = 0; worker < 100_000; worker++) slots.take(worker);
  slots.release();
  expect(served).toBe(100_000);
  expect([slots.take(1), slots.take(2)]).toEqual([true, false]);
});
