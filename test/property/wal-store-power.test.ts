import { expect, test } from 'vitest';
import { walStore, type WalStore } from '../../src/adapters/wal/index.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { memoryFiles, type MemoryFiles, testClock, type TestClock } from '../../src/testing/index.ts';

const times = { leaseMs: 1000, ttlMs: 1_000_000 };
const request = { ...times, fingerprint: 'f' };

/** What the users of the store were told of a key, and what they did. */
interface Told {
  /** The highest token of an answered claim. */
  token: number;
  leaseEndsMs: number;
  /** Runs that ended with a result which was acknowledged. */
  done: string | undefined;
  /** A change that was asked for, and not answered: it may have happened, or not. */
  pending: 'claim' | 'renew' | 'complete' | 'release' | undefined;
}

/** Users of the keys, who remember what they were told across the lives of the store. */
class Users {
  readonly told = new Map<string, Told>();
  readonly clock: TestClock = testClock();
  runs = 0;

  of(key: string): Told {
    const known = this.told.get(key) ?? { token: 0, leaseEndsMs: 0, done: undefined, pending: undefined };
    this.told.set(key, known);
    return known;
  }

  /** One key, from its claim to whatever its number makes of it. */
  async use(store: WalStore, number: number): Promise<void> {
    const key = `key-${number}`;
    const told = this.of(key);
    told.pending = 'claim';
    const claim = await store.claim(key, request);
    told.pending = undefined;
    if (told.done !== undefined || claim.kind === 'done') expect(claim).toEqual({ kind: 'done', result: told.done });
    if (claim.kind !== 'claimed') return;
    expect(claim.token).toBeGreaterThan(told.token);
    told.token = claim.token;
    told.leaseEndsMs = this.clock.monotonicMs() + times.leaseMs;
    if (number % 4 === 0) {
      told.pending = 'renew';
      await store.renew(key, claim.token, times);
      told.pending = undefined;
    }
    if (number % 4 === 1) {
      told.pending = 'release';
      await store.release(key, claim.token);
      told.pending = undefined;
      told.leaseEndsMs = 0;
    }
    if (number % 4 < 2) return;
    const result = `"run ${++this.runs} of ${key} ${'x'.repeat(200)}"`;
    told.pending = 'complete';
    if (await store.complete(key, claim.token, result, times.ttlMs)) told.done = result;
    told.pending = undefined;
  }

  /** Everything that was answered, and nothing that was not asked for. */
  async check(store: WalStore): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    for (const [key, told] of this.told) {
      const claim = await store.claim(key, { ...request, leaseMs: 1 });
      if (told.done !== undefined) expect(claim, key).toEqual({ kind: 'done', result: told.done });
      else if (claim.kind === 'done') expect(told.pending, key).toBe('complete');
      else if (told.leaseEndsMs > nowMs && told.pending !== 'release') expect(claim.kind, key).toBe('running');
      else if (told.pending === undefined) expect(claim.kind, key).toBe('claimed');
      if (claim.kind === 'done') told.done = claim.result;
      if (claim.kind === 'claimed') {
        expect(claim.token, key).toBeGreaterThan(told.token);
        told.token = claim.token;
      }
    }
    await this.clock.advance(times.leaseMs);
  }
}

function open(files: MemoryFiles, clock: TestClock): Promise<WalStore> {
  return walStore('keys', { files, clock, segmentBytes: 8192, checkpointBytes: 2048 });
}

/** Opens, works with 24 keys, three at a time, and closes. */
async function live(files: MemoryFiles, users: Users): Promise<void> {
  const store = await open(files, users.clock);
  const done = Array.from({ length: 3 }, async (_, line) => {
    for (let number = line; number < 24; number += 3) await users.use(store, number);
  });
  const failed = (await Promise.allSettled(done)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  await store.close();
}

function isPowerCut(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === 'EPOWER') return true;
  return false;
}

/** A life that ends at an operation; `false` when it came to its end before. */
async function lifeUntil(files: MemoryFiles, users: Users, powerFailsAt: number): Promise<boolean> {
  files.faults.powerFailsAt = powerFailsAt;
  let cut = false;
  try {
    await live(files, users);
  } catch (error) {
    if (!isPowerCut(error)) throw error;
    cut = true;
  }
  cut ||= files.operations >= powerFailsAt;
  // What the log does beside, making its next segment, must not go on in the next life of the disk.
  await users.clock.settle();
  files.crash();
  return cut;
}

test('the power fails at every operation: no completed key is run again, no claim is lost, no token comes twice', async () => {
  let cuts = 0;
  for (let powerFailsAt = 1; ; powerFailsAt++) {
    let isCut = false;
    for (let seed = 1; seed <= 3; seed++) {
      const users = new Users();
      const files = memoryFiles({ random: seededRandom(powerFailsAt * 10 + seed) });
      isCut = await lifeUntil(files, users, powerFailsAt);
      // A clock that was set back meanwhile: the store must not believe that the leases have longer to go.
      users.clock.stepWallClock(-3_600_000);
      await users.check(await open(files, users.clock));
      users.clock.stepWallClock(3_600_000);
      files.crash();
      // The second life begins in what the first left, with keys done, running and free; it dies at the same place.
      await lifeUntil(files, users, powerFailsAt);
      await users.check(await open(files, users.clock));
    }
    if (!isCut) break;
    cuts++;
  }
  expect(cuts).toBeGreaterThan(60);
}, 120_000);
