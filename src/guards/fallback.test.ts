import * as fc from 'fast-check';
import { expect, expectTypeOf, test, vi } from 'vitest';
import { compose } from '../policy/compose.ts';
import { byStatus } from '../predicate/by-status.ts';
import { testClock } from '../testing/test-clock.ts';
import { fallback, type FallbackEvent } from './fallback.ts';
import { timeout } from './timeout.ts';

const error = Object.assign(new Error('503'), { status: 503 });
const throwing = (): number => {
  throw error;
};
const failing = (): Promise<number> => Promise.reject(error);

test('a call that succeeds knows nothing of its fallback', async () => {
  const make = vi.fn();
  expect(await fallback(make).execute(() => 7)).toBe(7);
  expect(make).not.toHaveBeenCalled();
});

test('a value takes the place of a failure, also when the function throws at once', async () => {
  for (const value of [0, '', null, undefined, [] as readonly string[]]) {
    expect(await fallback(value).execute(failing)).toBe(value);
    expect(await fallback(value).execute(throwing)).toBe(value);
  }
});

test('a function is handed the error and the call, and its promise is waited for', async () => {
  const caller = new AbortController();
  const policy = fallback(async (given: unknown, { signal }) => [given, signal]);
  expect(await policy.execute(failing, { signal: caller.signal })).toEqual([error, caller.signal]);
});

test('an error it is not meant for passes through untouched, and so does one about which `when` throws', async () => {
  const fault = new Error('bug in a predicate');
  const events: FallbackEvent[] = [];
  const observer = (event: FallbackEvent): unknown => events.push(event);
  await expect(fallback(1, { when: byStatus(404), observer }).execute(failing)).rejects.toBe(error);
  expect(await fallback(1, { when: byStatus(503), observer }).execute(failing)).toBe(1);
  const when = (): never => {
    throw fault;
  };
  await expect(fallback(1, { when, observer, name: 'cache' }).execute(failing)).rejects.toBe(error);
  expect(events).toEqual([
    { type: 'fallback.used', name: 'fallback', error },
    { type: 'guard.fault', name: 'cache', fault },
  ]);
});

test('what the fallback throws is what the call rejects with, and the observer sees both errors', async () => {
  const better = new Error('the page is not to be had', { cause: error });
  const events: FallbackEvent[] = [];
  for (const make of [
    () => Promise.reject(better),
    ((): never => {
      throw better;
    }) as () => never,
  ]) {
    events.length = 0;
    const policy = fallback(make, { observer: (event) => events.push(event) });
    await expect(policy.execute(failing)).rejects.toBe(better);
    expect(events).toEqual([
      { type: 'fallback.used', name: 'fallback', error },
      { type: 'fallback.failed', name: 'fallback', error, fault: better },
    ]);
  }
});

test('whoever has left gets no fallback but the error', async () => {
  const caller = new AbortController();
  const make = vi.fn();
  const leaving = (): never => {
    caller.abort('left');
    throw error;
  };
  await expect(fallback(make).execute(leaving, { signal: caller.signal })).rejects.toBe(error);
  expect(make).not.toHaveBeenCalled();
});

test('around a time-out it answers when the time is up', async () => {
  const clock = testClock();
  const policy = compose(fallback('from the cache'), timeout(100, { clock }));
  const call = policy.execute((): Promise<string> => new Promise(() => undefined));
  await clock.advance(100);
  expect(await call).toBe('from the cache');
});

test('whatever is thrown and whatever stands in for it, the caller gets exactly one of the two', async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), fc.anything(), fc.boolean(), async (thrown, value, isMeant) => {
      fc.pre(typeof value !== 'function' && !isThenable(value));
      const policy = fallback(value, { when: () => isMeant });
      const ended = await policy
        .execute(() => Promise.reject(thrown))
        .then(
          (result: unknown) => [result],
          (reason: unknown) => ['rejected', reason],
        );
      expect(ended).toEqual(isMeant ? [value] : ['rejected', thrown]);
    }),
  );
});

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

test('the types know the value, and a wrapped function too', async () => {
  const policy = fallback('none');
  expectTypeOf(policy.execute(failing)).resolves.toEqualTypeOf<number | string>();
  const load = policy.wrap(async (_call, id: string) => id.length);
  expectTypeOf(load).returns.resolves.toEqualTypeOf<number | string>();
  expect(await load('abc')).toBe(3);
  expect(() => fallback(1, { when: 7 as never })).toThrow(new TypeError('Expected when to be a function, got number'));
});
