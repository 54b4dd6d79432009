import { describe, expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { idempotency, type IdempotencyOptions, type OnceRun } from './idempotency.ts';
import type { IdempotencyEvent } from './idempotency-events.ts';
import type { IdempotencyStore } from './idempotency-store.ts';
import { memoryStore } from './memory-store.ts';

const never = new Promise<never>(() => undefined);

function world(options: Partial<IdempotencyOptions> = {}) {
  const clock = testClock();
  const store = options.store ?? memoryStore({ clock });
  const events: IdempotencyEvent[] = [];
  const observer = (event: IdempotencyEvent): void => void events.push(event);
  /** A process of its own on the same store. */
  const open = () => idempotency({ store, lease: '15s', clock, observer, ...options });
  return { clock, store, events, open };
}

/** A run that ends when told to. */
function work<Value>() {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  const runs: OnceRun[] = [];
  const fn = (run: OnceRun): Promise<Value> => {
    runs.push(run);
    return promise;
  };
  return { fn, runs, resolve, reject };
}

test('100 callers of one key run it once, and all are given its result', async () => {
  const { open, clock } = world();
  const [here, there] = [open(), open()];
  const { fn, runs, resolve } = work<{ receipt: number }>();
  const calls = Array.from({ length: 100 }, (_, number) => (number % 2 === 0 ? here : there).once('k', fn));
  await clock.advance(1000);
  resolve({ receipt: 7 });
  const results = Promise.all(calls);
  await clock.advance(100);
  expect(await results).toEqual(Array.from({ length: 100 }, () => ({ receipt: 7 })));
  expect(runs.length).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});

test('those who wait in the same process get the result when the run ends, without another look at the clock', async () => {
  const { open, clock } = world();
  const one = open();
  const { fn, resolve } = work<number>();
  const calls = Promise.all([one.once('k', fn), one.once('k', fn)]);
  await clock.settle();
  resolve(1);
  expect(await calls).toEqual([1, 1]);
  expect(clock.monotonicMs()).toBe(0);
});

const give = () => ({ at: new Date(0), nothing: undefined, list: [1, null] });

test('the caller that ran gets what the others get: the result as JSON gives it back', async () => {
  const one = world().open();
  const first: unknown = await one.once('k', give);
  expect(first).toEqual({ at: '1970-01-01T00:00:00.000Z', list: [1, null] });
  expect(await one.once('k', give)).toEqual(first);
  expect(await one.once('void', () => undefined)).toBe(undefined);
  expect(await one.once('void', () => 1)).toBe(undefined);
});

test('a failed run frees the key, its error is passed on untouched, and the next caller runs', async () => {
  const { open, clock } = world();
  const one = open();
  const failure = new Error('declined');
  await expect(one.once('k', () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await one.once('k', () => 2)).toBe(2);
  // Waiters of a run that fails run one after the other, until one succeeds.
  let calls = 0;
  const flaky = async (): Promise<number> => {
    if (++calls < 3) throw failure;
    return calls;
  };
  const settled = await Promise.allSettled([one.once('f', flaky), one.once('f', flaky), one.once('f', flaky)]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(clock.pendingTimers).toBe(0);
});

test('the same key with another fingerprint is refused and not run, and forward and compensation are two keys', async () => {
  const one = world().open();
  await one.once('k', () => 1, { fingerprint: 'sha256:1' });
  const other = one.once('k', () => 2, { fingerprint: 'sha256:2' });
  await expect(other).rejects.toMatchObject({ code: 'MAKEGOOD_KEY_REUSED', key: 'k' });
  expect(await one.once('s/charge/action', () => 'done')).toBe('done');
  expect(await one.once('s/charge/compensation', () => 'undone')).toBe('undone');
});

test('a duplicate waits no longer than maxWait, and not at all when that is 0; it is told when to come back', async () => {
  const { open, clock, store } = world({ maxWait: '2s' });
  void open().once('k', () => never);
  await clock.settle();
  const waiting = open()
    .once('k', () => 1)
    .catch((error: unknown) => error);
  await clock.advance(2100);
  expect(await waiting).toMatchObject({ code: 'MAKEGOOD_IN_PROGRESS' });
  const hasty = idempotency({ store, clock, maxWait: 0 }).once('k', () => 1);
  await expect(hasty).rejects.toMatchObject({ code: 'MAKEGOOD_IN_PROGRESS', retryAfterMs: 15_000 - 2100 });
});

test('the lease is renewed while the run goes on, for as long as it takes', async () => {
  const { open, clock } = world();
  const { fn, resolve } = work<string>();
  const long = open().once('k', fn);
  const other = open().once('k', () => 'stolen');
  other.catch(() => undefined);
  await clock.advance(29_000);
  resolve('finished');
  await clock.advance(1000);
  expect([await long, await other]).toEqual(['finished', 'finished']);
});

test('crash between claim and completion: the work is not lost, another runs it when the lease is over', async () => {
  const { open, clock, store } = world();
  // The process that claimed is gone: it renews nothing and completes nothing.
  await store.claim('k', { fingerprint: '', leaseMs: 15_000, ttlMs: 86_400_000 });
  const result = open().once('k', () => 'done after all');
  await clock.advance(14_900);
  await clock.advance(200);
  expect(await result).toBe('done after all');
});

/** A store that its first user cannot reach for a while, as behind a broken network. */
function partitioned(store: IdempotencyStore) {
  const state = { broken: false };
  const through =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (state.broken) throw new Error('no route to the store');
      return call(...args);
    };
  const seen: IdempotencyStore = {
    claim: through((...args) => store.claim(...args)),
    renew: through((...args) => store.renew(...args)),
    complete: through((...args) => store.complete(...args)),
    release: through((...args) => store.release(...args)),
    mark: (...args) => store.mark(...args),
  };
  return { state, seen };
}

describe('an owner whose lease was taken', () => {
  test('is aborted when the lease is over, and cannot complete: all get the result of the one that took over', async () => {
    const { clock, store, events, open } = world();
    const { state, seen } = partitioned(store);
    const { fn, runs, resolve } = work<string>();
    const slow = open();
    const cutOff = idempotency({ store: seen, clock, lease: '15s', observer: (event) => void events.push(event) });
    const lost = cutOff.once('k', fn).catch((error: unknown) => error);
    await clock.settle();
    state.broken = true;
    await clock.advance(15_000);
    expect(runs[0]?.signal.reason).toMatchObject({ code: 'MAKEGOOD_LEASE_LOST', token: runs[0]?.token });
    expect(await slow.once('k', ({ token }) => `by token ${token}`)).toBe('by token 2');
    state.broken = false;
    resolve('late');
    expect(await lost).toMatchObject({ code: 'MAKEGOOD_LEASE_LOST', key: 'k', token: 1 });
    expect(await cutOff.once('k', () => 'never run')).toBe('by token 2');
    expect(events).toContainEqual({ type: 'idempotency.lease-lost', key: 'k', token: 1 });
  });

  test('a store that is away for less than the lease costs nothing', async () => {
    const { clock, store } = world();
    const { state, seen } = partitioned(store);
    const { fn, runs, resolve } = work<string>();
    const done = idempotency({ store: seen, clock, lease: '15s' }).once('k', fn);
    await clock.settle();
    state.broken = true;
    await clock.advance(12_000);
    state.broken = false;
    await clock.advance(20_000);
    expect(runs[0]?.signal.aborted).toBe(false);
    state.broken = true;
    resolve('kept');
    await clock.advance(500);
    state.broken = false;
    await clock.advance(1000);
    expect(await done).toBe('kept');
  });

  test('a store that stays away while a result waits: its error is thrown, and the lease decides who is next', async () => {
    const { clock, store, open } = world();
    const { state, seen } = partitioned(store);
    const { fn, resolve } = work<string>();
    const call = idempotency({ store: seen, clock, lease: '15s' })
      .once('k', fn)
      .catch((error: unknown) => error);
    await clock.settle();
    state.broken = true;
    resolve('not kept');
    await clock.advance(16_000);
    expect(await call).toMatchObject({ message: 'no route to the store' });
    expect(await open().once('k', () => 'again')).toBe('again');
    expect(clock.pendingTimers).toBe(0);
  });

  test('a key that cannot be freed after a failed run is told, and the run’s own error is thrown', async () => {
    const { clock, store, events } = world();
    const { state, seen } = partitioned(store);
    const one = idempotency({ store: seen, clock, observer: (event) => void events.push(event) });
    const failing = one.once('k', () => {
      state.broken = true;
      throw new Error('declined');
    });
    await expect(failing).rejects.toThrow('declined');
    expect(events).toMatchObject([{ type: 'idempotency.release-failed', key: 'k' }]);
  });
});

test('a result that cannot be kept does not have the work done twice', async () => {
  let runs = 0;
  const one = world({ maxResultBytes: 100 }).open();
  const results: Record<string, () => unknown> = {
    long: () => 'é'.repeat(60),
    bigint: () => 1n,
    function: () => () => 1,
  };
  for (const [key, result] of Object.entries(results)) {
    const run = (): unknown => {
      runs++;
      return result();
    };
    await expect(one.once(key, run)).rejects.toMatchObject({ code: 'MAKEGOOD_RESULT_UNAVAILABLE', key });
    await expect(one.once(key, run)).rejects.toMatchObject({ code: 'MAKEGOOD_RESULT_UNAVAILABLE', key });
  }
  expect(runs).toBe(3);
});

test('an abort ends a wait at once with its reason; a run is handed it, waited for, and its key freed', async () => {
  const { open, clock } = world();
  const one = open();
  const controller = new AbortController();
  const running = one
    .once(
      'k',
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
      { signal: controller.signal },
    )
    .catch((error: unknown) => error);
  await clock.settle();
  const waiter = new AbortController();
  const waiting = one.once('k', () => 1, { signal: waiter.signal }).catch((error: unknown) => error);
  await clock.settle();
  waiter.abort('gone');
  expect(await waiting).toBe('gone');
  controller.abort('stop');
  expect(await running).toBe('stop');
  expect(await one.once('k', () => 3)).toBe(3);
  await expect(one.once('k2', () => 1, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
  expect(clock.pendingTimers).toBe(0);
});

test('claim is true to exactly one of 1,000 callers, until the ttl is over', async () => {
  const { open, clock } = world({ ttl: '1m' });
  const one = open();
  const claims = await Promise.all(Array.from({ length: 1000 }, () => one.claim('k')));
  expect(claims.filter(Boolean).length).toBe(1);
  await clock.advance(61_000);
  expect(await one.claim('k')).toBe(true);
});

test('what makes no sense is refused before anything runs', async () => {
  const { open, store } = world();
  const one = open();
  await expect(one.once('', () => 1)).rejects.toThrow(RangeError);
  await expect(one.once('a\0b', () => 1)).rejects.toThrow(TypeError);
  await expect(one.once('k', () => 1, { fingerprint: 'x'.repeat(513) })).rejects.toThrow(RangeError);
  expect(() => idempotency({ store, lease: 0 })).toThrow(new RangeError('Expected lease to be more than 0 ms, got 0'));
  expect(() => idempotency({ store, maxResultBytes: 1 })).toThrow(RangeError);
});
