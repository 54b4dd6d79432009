import { describe, expect, test } from 'vitest';
import { openWalJournal } from '../../journal/wal-journal.ts';
import { idempotency } from '../../idempotency/idempotency.ts';
import type { IdempotencyStore } from '../../idempotency/idempotency-store.ts';
import { idempotencyStoreContract } from '../../testing/idempotency-store-suite.ts';
import { memoryFiles } from '../../testing/memory-files.ts';
import { recordingObserver } from '../../testing/recording-observer.ts';
import { testClock } from '../../testing/test-clock.ts';
import { walStore } from './wal-store.ts';

const request = { fingerprint: '', leaseMs: 1000, ttlMs: 60_000 };

function world() {
  return { files: memoryFiles(), clock: testClock(), segmentBytes: 8192, checkpointBytes: 4096 };
}

async function tokenOf(store: IdempotencyStore, key: string): Promise<number> {
  const claim = await store.claim(key, request);
  if (claim.kind !== 'claimed') throw new Error(`Expected "${key}" to be claimed, got ${claim.kind}`);
  return claim.token;
}

describe('keeps the contract of an idempotency store', () => {
  for (const { name, run } of idempotencyStoreContract) {
    test(name, async () => {
      const options = world();
      await run({ open: () => walStore('keys', options), pass: (ms) => options.clock.advance(ms) });
    });
  }
});

test('what was answered is there after a crash: results, leases that run on, freed keys, and tokens that only grow', async () => {
  const options = world();
  const store = await walStore('keys', options);
  const done = await tokenOf(store, 'done');
  await store.complete('done', done, '{"value":"é 😀"}', 60_000);
  const running = await tokenOf(store, 'running');
  await options.clock.advance(600);
  expect(await store.renew('running', running, request)).toBe(true);
  await store.release('freed', await tokenOf(store, 'freed'));
  // What the log does beside, making its next segment, must not go on in the next life of the disk.
  await options.clock.settle();
  options.files.crash();

  const next = await walStore('keys', options);
  expect(await next.claim('done', request)).toEqual({ kind: 'done', result: '{"value":"é 😀"}' });
  await options.clock.advance(600);
  expect((await next.claim('running', request)).kind).toBe('running');
  expect(await tokenOf(next, 'freed')).toBeGreaterThan(running + 1);
  await options.clock.advance(400);
  const taken = await tokenOf(next, 'running');
  expect(await next.complete('running', running, '{}', 60_000)).toBe(false);
  expect(await next.complete('running', taken, '{}', 60_000)).toBe(true);
});

test('a clock that was set back between two lives gives no lease back and forgets no result sooner', async () => {
  const options = world();
  const store = await walStore('keys', options);
  await tokenOf(store, 'k');
  await options.clock.advance(1000);
  const taken = await tokenOf(store, 'k');
  await store.close();
  options.clock.stepWallClock(-3_600_000);
  const next = await walStore('keys', options);
  expect(await next.claim('k', request)).toEqual({ kind: 'running', leaseLeftMs: 1000 });
  expect(await next.complete('k', taken, '{}', 5000)).toBe(true);
  await next.close();
  options.clock.stepWallClock(-3_600_000);
  const last = await walStore('keys', options);
  expect((await last.claim('k', request)).kind).toBe('done');
  await options.clock.advance(5000);
  expect((await last.claim('k', request)).kind).toBe('claimed');
});

test.each([0, 1000])('of a result nobody hears before it is on the disk, with a lease of %d ms', async (leaseMs) => {
  const options = world();
  const store = await walStore('keys', options);
  const claim = await store.claim('k', { ...request, leaseMs });
  const token = claim.kind === 'claimed' ? claim.token : 0;
  options.files.faults.powerFailsAt = options.files.operations + 1;
  const answers = [
    store.complete('k', token, '{}', 60_000),
    store.claim('k', request),
    store.complete('k', token, '{}', 1),
  ];
  for (const { status } of await Promise.allSettled(answers)) expect(status).toBe('rejected');
});

test('a token is not given again when its key was freed and its records are gone from the log', async () => {
  const options = world();
  const store = await walStore('keys', options);
  const token = await tokenOf(store, 'k');
  await store.release('k', token);
  await store.close();
  await using next = await walStore('keys', options);
  expect(next.size).toBe(0);
  expect(await tokenOf(next, 'k')).toBeGreaterThan(token);
});

test('while a result is on its way to the disk, a lease that ends is not taken', async () => {
  const options = world();
  const store = await walStore('keys', options);
  const token = await tokenOf(store, 'k');
  const completing = store.complete('k', token, '{"value":1}', 60_000);
  const passing = options.clock.advance(2000);
  const claim = store.claim('k', request);
  expect(await Promise.all([completing, claim, passing])).toMatchObject([true, { kind: 'done' }, undefined]);
});

test('10,000 keys through a store of a hundred: expired ones are forgotten and the log stays short', async () => {
  const options = { ...world(), maxKeys: 100 };
  const store = await walStore('keys', options);
  for (let round = 0; round < 200; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, number) => store.mark(`${round}/${number}`, 5000)));
    await options.clock.advance(5000);
  }
  expect(store.size).toBeLessThanOrEqual(100);
  const names = await options.files.list('keys');
  expect(names.length).toBeLessThan(12);
  await store.close();
  await using next = await walStore('keys', options);
  expect(next.size).toBeLessThanOrEqual(100);
  expect((await next.claim('0/0', request)).kind).toBe('claimed');
});

test('full of keys that have not expired, it refuses a new one, forgets none, and takes the results of what runs', async () => {
  const options = { ...world(), maxKeys: 2 };
  const store = await walStore('keys', options);
  const tokens = [await tokenOf(store, 'a'), await tokenOf(store, 'b')];
  await expect(store.claim('c', request)).rejects.toMatchObject({ code: 'MAKEGOOD_STORE_FULL' });
  expect(await store.complete('a', tokens[0] as number, '{}', 60_000)).toBe(true);
  await options.clock.advance(60_000);
  expect((await store.claim('c', request)).kind).toBe('claimed');
});

test('a result that does not fit into the log is refused, and the key is still its owner’s', async () => {
  const options = world();
  const store = await walStore('keys', options);
  const token = await tokenOf(store, 'k');
  await expect(store.complete('k', token, 'x'.repeat(9000), 60_000)).rejects.toThrow(RangeError);
  expect((await store.claim('k', request)).kind).toBe('running');
  expect(await store.complete('k', token, '{}', 60_000)).toBe(true);
});

test('claims that the log has no room for are refused, and the keys are free afterwards', async () => {
  const options = { ...world(), flush: { maxBatchRecords: 1, maxWaitingAppends: 2 } };
  const store = await walStore('keys', options);
  const claims = await Promise.allSettled(Array.from({ length: 20 }, (_, key) => store.claim(`k${key}`, request)));
  const refused = claims.flatMap(({ status }, key) => (status === 'rejected' ? [key] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const key of refused) await tokenOf(store, `k${key}`);
});

test('a disk that fails fails the claim, and no work runs', async () => {
  const options = world();
  const keys = idempotency({ store: await walStore('keys', options), clock: options.clock });
  options.files.faults.syncFailsAt = 1;
  let runs = 0;
  await expect(keys.once('k', () => ++runs)).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  expect(runs).toBe(0);
});

test('a checkpoint that cannot be made is told, and costs nothing else', async () => {
  const options = { ...world(), observer: recordingObserver() };
  const store = await walStore('keys', options);
  await tokenOf(store, 'k');
  options.files.faults.capacityBytes = 0;
  await store.close();
  expect(options.observer.ofType('wal-store.checkpoint-failed')).toMatchObject([{ error: { code: 'ENOSPC' } }]);
  delete options.files.faults.capacityBytes;
  const next = await walStore('keys', options);
  expect((await next.claim('k', request)).kind).toBe('running');
});

test('one opener at a time; a closed store refuses everything, and closing twice is safe', async () => {
  const options = world();
  const store = await walStore('keys', options);
  await expect(walStore('keys', options)).rejects.toMatchObject({ code: 'MAKEGOOD_FILE_LOCKED' });
  await store.close();
  await store.close();
  await expect(store.claim('k', request)).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_CLOSED' });
});

test('a folder of sagas is refused as keys, and a folder of keys as sagas', async () => {
  const options = world();
  await (await openWalJournal('sagas', options)).close();
  await expect(walStore('sagas', options)).rejects.toMatchObject({ code: 'MAKEGOOD_RECORD_UNREADABLE' });
  const store = await walStore('keys', options);
  await tokenOf(store, 'k');
  await store.close();
  await expect(openWalJournal('keys', options)).rejects.toMatchObject({ code: 'MAKEGOOD_RECORD_UNREADABLE' });
});

test.each([{ maxKeys: 0 }, { maxBytes: 1.5 }, { checkpointBytes: -1 }])('refuses %o', async (bounds) => {
  await expect(walStore('keys', { ...world(), ...bounds })).rejects.toThrow(/^Expected \w+ to be an integer ≥ 1, got/);
});

test.each(['', 'a\0b', '\uD800', 'x'.repeat(513)])('refuses the key %j and writes nothing', async (key) => {
  const store = await walStore('keys', world());
  await expect(store.claim(key, request)).rejects.toThrow(/^Expected key to/);
  expect(store.size).toBe(0);
});
