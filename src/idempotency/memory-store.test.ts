import { describe, expect, test } from 'vitest';
import { idempotencyStoreContract } from '../testing/idempotency-store-suite.ts';
import { testClock } from '../testing/test-clock.ts';
import { memoryStore } from './memory-store.ts';

describe('keeps the contract of an idempotency store', () => {
  for (const { name, run } of idempotencyStoreContract) {
    test(name, async () => {
      const clock = testClock();
      await run({ open: async () => memoryStore({ clock }), pass: (ms) => clock.advance(ms) });
    });
  }
});

const request = { fingerprint: '', leaseMs: 1000, ttlMs: 5000 };

test('full of keys that have not expired, it refuses a new one and forgets none; room comes with their expiry', async () => {
  const clock = testClock();
  const store = memoryStore({ clock, maxKeys: 3 });
  const tokens = new Map<string, number>();
  for (const key of ['a', 'b', 'c']) {
    const claim = await store.claim(key, request);
    if (claim.kind === 'claimed') tokens.set(key, claim.token);
  }
  await expect(store.claim('d', request)).rejects.toMatchObject({ code: 'MAKEGOOD_STORE_FULL' });
  // What runs is completed all the same: refusing that would have the work done twice.
  for (const [key, token] of tokens) expect(await store.complete(key, token, '{"value":1}', 5000)).toBe(true);
  for (const key of tokens.keys()) expect((await store.claim(key, request)).kind).toBe('done');
  await clock.advance(5000);
  expect((await store.claim('d', request)).kind).toBe('claimed');
});

test('results count against its bytes, and a store that is over them takes keys again when they expire', async () => {
  const clock = testClock();
  const store = memoryStore({ clock, maxBytes: 1000 });
  const claim = await store.claim('a', request);
  if (claim.kind === 'claimed') await store.complete('a', claim.token, 'x'.repeat(500), 5000);
  await expect(store.claim('b', request)).rejects.toThrow('unexpired keys and results fill');
  await clock.advance(5000);
  expect((await store.claim('b', request)).kind).toBe('claimed');
});

test('expired keys are cleared away by later claims, so that memory does not grow with time', async () => {
  const clock = testClock();
  const store = memoryStore({ clock, maxKeys: 200 });
  for (let round = 0; round < 50; round++) {
    for (let number = 0; number < 100; number++) await store.claim(`${round}-${number}`, request);
    await clock.advance(5000);
  }
  expect((await store.claim('last', request)).kind).toBe('claimed');
});

test('bad bounds are refused at once', () => {
  expect(() => memoryStore({ maxKeys: 0 })).toThrow(new RangeError('Expected maxKeys to be an integer ≥ 1, got 0'));
});
