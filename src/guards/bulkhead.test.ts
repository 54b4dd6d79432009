import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { compose } from '../policy/compose.ts';
import { recordingObserver } from '../testing/recording-observer.ts';
import { bulkhead } from './bulkhead.ts';
import type { QueueEvent } from './guard-events.ts';

/** A function that runs until it is told to end, and how many of its calls do. */
function held(): { readonly fn: () => Promise<string>; readonly ends: ((value: string) => void)[] } {
  const ends: ((value: string) => void)[] = [];
  return { fn: () => new Promise((resolve) => ends.push(resolve)), ends };
}

function throwing(): never {
  throw new Error('at once');
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

test('runs as many as it may at a time, and refuses the rest at once without calling', async () => {
  const guard = bulkhead({ name: 'reports', maxConcurrent: 2 });
  const { fn, ends } = held();
  const running = [guard.execute(fn), guard.execute(fn)];
  const third = vi.fn();
  await expect(guard.execute(third)).rejects.toMatchObject({
    code: 'MAKEGOOD_BULKHEAD_FULL',
    message: 'bulkhead "reports" is full: 2 calls are running and 0 waiting',
    guard: 'reports',
    running: 2,
    queued: 0,
    retryAfterMs: undefined,
  });
  expect(third).not.toHaveBeenCalled();
  for (const end of ends) end('done');
  expect(await Promise.all(running)).toEqual(['done', 'done']);
  expect(guard.snapshot()).toEqual({ running: 0, queued: 0, maxConcurrent: 2, maxQueue: 0 });
});

test('a place is given back however a call ends: value, rejection, throw, abort', async () => {
  const guard = bulkhead({ maxConcurrent: 1 });
  await guard.execute(() => 1);
  await expect(guard.execute(() => Promise.reject(new Error('later')))).rejects.toThrow('later');
  await expect(guard.execute(throwing)).rejects.toThrow('at once');
  const signal = AbortSignal.abort('left');
  await expect(guard.execute(() => Promise.reject(signal.reason as Error), { signal })).rejects.toBe('left');
  expect(guard.snapshot().running).toBe(0);
});

test('those who wait are admitted first come, first served, and nobody overtakes them', async () => {
  const guard = bulkhead({ maxConcurrent: 1, maxQueue: 3 });
  const order: number[] = [];
  const { fn, ends } = held();
  const first = guard.execute(fn);
  const waiting = [1, 2, 3].map((number) => guard.execute(() => order.push(number)));
  expect(guard.snapshot()).toMatchObject({ running: 1, queued: 3 });
  await expect(guard.execute(fn)).rejects.toMatchObject({ running: 1, queued: 3 });
  ends[0]?.('done');
  await first;
  // In the very turn in which the place was handed over, another comes.
  const late = guard.execute(() => order.push(4)).catch(() => 'refused');
  await Promise.all(waiting);
  await late;
  expect(order.slice(0, 3)).toEqual([1, 2, 3]);
});

test('an accepted queued call is never rejected later', async () => {
  const guard = bulkhead({ maxConcurrent: 1, maxQueue: 100 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 101 }, (_, number) =>
      guard.execute(() => (number % 3 === 0 ? Promise.reject(new Error(`own ${number}`)) : number)),
    ),
  );
  for (const [number, outcome] of outcomes.entries()) {
    if (number % 3 === 0) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: `own ${number}` } });
    else expect(outcome).toEqual({ status: 'fulfilled', value: number });
  }
});

test('an abort ends the wait at once with the reason, gives the place in the line back, and leaves no listener', async () => {
  const guard = bulkhead({ maxConcurrent: 1, maxQueue: 2 });
  const { fn, ends } = held();
  const first = guard.execute(fn);
  const caller = new AbortController();
  const never = vi.fn();
  const leaving = guard.execute(never, { signal: caller.signal });
  const staying = guard.execute(() => 'second');
  caller.abort('left');
  await expect(leaving).rejects.toBe('left');
  expect(guard.snapshot().queued).toBe(1);
  const another = guard.execute(() => 'third');
  ends[0]?.('first');
  expect(await Promise.all([first, staying, another])).toEqual(['first', 'second', 'third']);
  expect(never).not.toHaveBeenCalled();
  await expect(guard.execute(never, { signal: caller.signal })).resolves.toBeUndefined();
  expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
});

test('a signal that has aborted before its call must wait takes no place', async () => {
  const guard = bulkhead({ maxConcurrent: 1, maxQueue: 1 });
  const ticket = guard.tryEnter();
  await expect(guard.execute(() => 1, { signal: AbortSignal.abort('left') })).rejects.toBe('left');
  expect(guard.snapshot().queued).toBe(0);
  guard.leave(ticket, 'success');
  expect(guard.snapshot().running).toBe(0);
});

test('ten thousand waiters on one signal that aborts all leave, and cost one listener', async () => {
  const guard = bulkhead({ maxConcurrent: 1, maxQueue: 10_000 });
  guard.tryEnter();
  const caller = new AbortController();
  const waiting = Array.from({ length: 10_000 }, () => guard.execute(() => 1, { signal: caller.signal }));
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1);
  caller.abort('left');
  const outcomes = await Promise.allSettled(waiting);
  expect(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason === 'left')).toBe(true);
  expect(guard.snapshot().queued).toBe(0);
});

test('inside another guard, who waits holds a place there, and gives it back when it leaves', async () => {
  const [outer, inner] = [bulkhead({ maxConcurrent: 2 }), bulkhead({ maxConcurrent: 1, maxQueue: 1 })];
  const policy = compose(outer, inner);
  const { fn, ends } = held();
  const first = policy.execute(fn);
  const caller = new AbortController();
  const second = policy.execute(fn, { signal: caller.signal });
  await expect(policy.execute(fn)).rejects.toMatchObject({ guard: 'bulkhead', running: 2 });
  caller.abort('left');
  await expect(second).rejects.toBe('left');
  expect(outer.snapshot().running).toBe(1);
  ends[0]?.('done');
  await first;
  await settle();
  expect([outer.snapshot().running, inner.snapshot().running]).toEqual([0, 0]);
});

test('the observer is told who waits and who is refused', async () => {
  const observer = recordingObserver<QueueEvent>();
  const guard = bulkhead({ name: 'reports', maxConcurrent: 1, maxQueue: 1, observer });
  const { fn } = held();
  void guard.execute(fn);
  void guard.execute(fn);
  const refusal: unknown = await guard.execute(fn).catch((error: unknown) => error);
  expect(observer.events).toEqual([
    { type: 'guard.queued', name: 'reports', queued: 1 },
    { type: 'guard.refused', name: 'reports', error: refusal },
  ]);
});

test('options are checked at once, and the error tells what was expected and got', () => {
  expect(() => bulkhead({ maxConcurrent: 0 })).toThrow(
    new RangeError('Expected maxConcurrent to be an integer ≥ 1, got 0'),
  );
  expect(() => bulkhead({} as never)).toThrow(
    new RangeError('Expected maxConcurrent to be an integer ≥ 1, got undefined'),
  );
  expect(() => bulkhead({ maxConcurrent: 1, maxQueue: Infinity })).toThrow(
    new RangeError('Expected maxQueue to be an integer ≥ 0, got Infinity'),
  );
});
