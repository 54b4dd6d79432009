import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('those beyond the bound wait, and are served in the order they came', () => {
  const served: string[] = [];
  const slots = new Slots<string>(
    1,
    (worker) => served.push(worker),
    () => 'saga',
  );
  expect([slots.take('a'), slots.take('b'), slots.take('c'), slots.take('b')]).toEqual([true, false, false, false]);
  slots.release();
  slots.release();
  expect(served).toEqual(['b', 'c']);
  slots.release();
  expect(slots.take('d')).toBe(true);
});

test('a hundred thousand that give their slot back at once, as when draining, do not exhaust the stack', () => {
  let served = 0;
  const slots = new Slots<number>(
    1,
    () => {
      served++;
      slots.release();
    },
    () => 'saga',
  );
  slots.take(-1);
  for (let worker = 0; worker < 100_000; worker++) slots.take(worker);
  slots.release();
  expect(served).toBe(100_000);
  expect([slots.take(1), slots.take(2)]).toEqual([true, false]);
});

test('kinds take turns, however many of one wait; within a kind the order is that of arrival', () => {
  const served: string[] = [];
  const slots = new Slots<string>(
    1,
    (worker) => served.push(worker),
    (worker) => worker.charAt(0),
  );
  for (const worker of ['x', 'a1', 'a2', 'a3', 'a4', 'b1', 'a2', 'c1', 'b2']) slots.take(worker);
  for (let slot = 0; slot < 7; slot++) slots.release();
  expect(served).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('who has left the queue for a free slot is not served again', () => {
  const served: string[] = [];
  const slots = new Slots<string>(
    1,
    (worker) => served.push(worker),
    (worker) => worker,
  );
  slots.take('a');
  slots.take('b');
  slots.release();
  slots.release();
  expect([slots.take('b'), slots.take('c')]).toEqual([true, false]);
  slots.release();
  expect(served).toEqual(['b', 'c']);
});
