import type { Claim, ClaimRequest, IdempotencyStore } from '../idempotency/idempotency-store.ts';

/** How a suite gets at stores of the kind under test. */
export interface IdempotencyStoreHarness {
  /** A store on storage of its own, empty. */
  readonly open: () => Promise<IdempotencyStore>;
  /** Lets time pass for the store, by its own clock. */
  readonly pass: (ms: number) => Promise<void>;
}

/** One promise of {@link IdempotencyStore}, and how to find out whether an implementation keeps it. */
export interface IdempotencyStoreCheck {
  /** The promise, as a test is named. */
  readonly name: string;
  /** Resolves when it is kept, rejects with what was seen instead. */
  readonly run: (harness: IdempotencyStoreHarness) => Promise<void>;
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`Expected ${what} to be ${wanted}, got ${seen}`);
}

// Short enough for a store whose clock cannot be moved, long enough for a slow machine.
const request: ClaimRequest = { fingerprint: 'f', leaseMs: 300, ttlMs: 900 };
const longer: ClaimRequest = { fingerprint: 'f', leaseMs: 60_000, ttlMs: 120_000 };

async function claimed(store: IdempotencyStore, key: string, asked: ClaimRequest = longer): Promise<number> {
  const claim = await store.claim(key, asked);
  if (claim.kind !== 'claimed')
    throw new Error(`Expected the claim of "${key}" to be won, got ${JSON.stringify(claim)}`);
  return claim.token;
}

async function kindOf(claim: Promise<Claim>): Promise<string> {
  return (await claim).kind;
}

const promises: Readonly<Record<string, IdempotencyStoreCheck['run']>> = {
  'of 50 simultaneous claims of a key exactly one is won, and the others are told how long to wait': async ({
    open,
  }) => {
    const store = await open();
    const claims = await Promise.all(Array.from({ length: 50 }, () => store.claim('k', longer)));
    same(claims.filter(({ kind }) => kind === 'claimed').length, 1, 'the number of winners');
    for (const claim of claims) {
      if (claim.kind === 'claimed') continue;
      same(claim.kind, 'running', 'what a loser is told');
      const leftMs = claim.kind === 'running' ? claim.leaseLeftMs : 0;
      same(leftMs > 0 && leftMs <= longer.leaseMs, true, `a lease left of ${leftMs} ms within the lease`);
    }
  },
  'keys that differ in one character, in case or in form are different keys': async ({ open }) => {
    const store = await open();
    for (const key of ['a', 'A', 'a ', 'é', 'e\u0301', 'a/b', 'a:b', '__proto__', '*', '%', "'; --", '😀']) {
      same(await kindOf(store.claim(key, longer)), 'claimed', `the claim of ${JSON.stringify(key)}`);
    }
  },
  'a completed key gives its result to everybody, and is not claimed again': async ({ open }) => {
    const store = await open();
    const token = await claimed(store, 'k');
    const result = '{"value":"é \\"quoted\\" 😀"}';
    same(await store.complete('k', token, result, longer.ttlMs), true, 'the completion');
    same(await store.claim('k', longer), { kind: 'done', result }, 'the second claim');
    same(await store.complete('k', token, result, longer.ttlMs), true, 'the same completion again');
    await store.release('k', token);
    same(await kindOf(store.claim('k', longer)), 'done', 'a claim after a release that came too late');
  },
  'the same key with another fingerprint is another request, running or done': async ({ open }) => {
    const store = await open();
    const token = await claimed(store, 'k');
    same(await kindOf(store.claim('k', { ...longer, fingerprint: 'g' })), 'other-request', 'a claim while it runs');
    await store.complete('k', token, '{}', longer.ttlMs);
    same(await kindOf(store.claim('k', { ...longer, fingerprint: '' })), 'other-request', 'a claim when it is done');
  },
  'a released key is free for anybody, and its old token is worth nothing': async ({ open }) => {
    const store = await open();
    const first = await claimed(store, 'k');
    await store.release('k', first);
    const second = await claimed(store, 'k', { ...longer, fingerprint: 'g' });
    same(second > first, true, `a token above ${first}, after a release`);
    await store.release('k', first);
    same(await store.renew('k', first, longer), false, 'a renewal with the old token');
    same(await store.complete('k', first, '{}', longer.ttlMs), false, 'a completion with the old token');
    same(await store.renew('k', second, longer), true, 'a renewal with the new token');
  },
  'a lease that is over is taken by the next claim, and its owner can do nothing any more': async ({ open, pass }) => {
    const store = await open();
    const lost = await claimed(store, 'k', request);
    same(await kindOf(store.claim('k', request)), 'running', 'a claim within the lease');
    await pass(request.leaseMs + 50);
    const taken = await claimed(store, 'k');
    same(taken > lost, true, `a token above ${lost}`);
    same(await store.renew('k', lost, request), false, 'a renewal by the old owner');
    same(await store.complete('k', lost, '{"value":"late"}', 1000), false, 'a completion by the old owner');
    await store.release('k', lost);
    same(await kindOf(store.claim('k', longer)), 'running', 'a claim after the old owner released');
    same(await store.complete('k', taken, '{"value":"new"}', longer.ttlMs), true, 'a completion by the new owner');
    same(await store.claim('k', longer), { kind: 'done', result: '{"value":"new"}' }, 'the result');
  },
  'of 20 who want a lease that is over, one takes it': async ({ open, pass }) => {
    const store = await open();
    await claimed(store, 'k', request);
    await pass(request.leaseMs + 50);
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('k', longer)));
    same(claims.filter(({ kind }) => kind === 'claimed').length, 1, 'the number of winners');
  },
  'a renewed lease is not over, and one that is over but not taken can still complete': async ({ open, pass }) => {
    const store = await open();
    const token = await claimed(store, 'k', request);
    for (let renewal = 0; renewal < 3; renewal++) {
      await pass(200);
      same(await store.renew('k', token, request), true, 'the renewal');
    }
    same(await kindOf(store.claim('k', request)), 'running', 'a claim after twice the lease');
    await pass(request.leaseMs + 50);
    same(await store.complete('k', token, '{}', longer.ttlMs), true, 'a completion after the lease');
    same(await store.renew('k', token, request), false, 'a renewal of what is done');
  },
  'a result is forgotten after its ttl and not before': async ({ open, pass }) => {
    const store = await open();
    const token = await claimed(store, 'k');
    await store.complete('k', token, '{}', 600);
    await pass(300);
    same(await kindOf(store.claim('k', longer)), 'done', 'a claim within the ttl');
    await pass(400);
    same(await kindOf(store.claim('k', { ...longer, fingerprint: 'g' })), 'claimed', 'a claim after the ttl');
    same(await store.complete('k', token, '{}', 600), false, 'a completion by the forgotten owner');
  },
  'of 50 simultaneous marks of a key exactly one is won, until its ttl': async ({ open, pass }) => {
    const store = await open();
    const mark = async (): Promise<boolean> => store.mark('k', 600);
    const marks = await Promise.all(Array.from({ length: 50 }, mark));
    same(marks.filter(Boolean).length, 1, 'the number of winners');
    same(await kindOf(store.claim('k', { ...longer, fingerprint: '' })), 'running', 'a claim of the marked key');
    await pass(900);
    same(await mark(), true, 'a mark after the ttl');
    const token = await claimed(store, 'other');
    same(await store.mark('other', 600), false, 'a mark of a key that runs');
    await store.complete('other', token, '{}', longer.ttlMs);
    same(await store.mark('other', 600), false, 'a mark of a key that is done');
  },
};

/**
 * Every promise of the `IdempotencyStore` port, for whoever writes one: run each against the real thing.
 *
 * @example
 * // in a test file: for (const { name, run } of idempotencyStoreContract) test(name, () => run(harness));
 * const clock = testClock();
 * const open = async () => memoryStore({ clock });
 * for (const { run } of idempotencyStoreContract) await run({ open, pass: (ms) => clock.advance(ms) });
 */
export const idempotencyStoreContract: readonly IdempotencyStoreCheck[] = Object.entries(promises).map(
  ([name, run]) => ({ name, run }),
);
