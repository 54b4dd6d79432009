import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasServer, type Service } from '../../../scripts/services.ts';
import { redisStore } from '../../../src/adapters/redis/index.ts';
import { idempotency } from '../../../src/idempotency/index.ts';
import { idempotencyStoreContract } from '../../../src/testing/index.ts';
import { type connect, startWithClient } from './redis-server.ts';

describe.runIf(hasServer('redis'))('on a Redis server', () => {
  let server: Service;
  let client: ReturnType<typeof connect>;

  beforeAll(async () => {
    ({ server, client } = await startWithClient());
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  let stores = 0;
  const open = async () => redisStore({ client, prefix: `{test-${stores++}}:` });

  describe('keeps the contract of an idempotency store', () => {
    for (const { name, run } of idempotencyStoreContract) {
      test(name, () => run({ open, pass: (ms) => sleep(ms) }));
    }
  });

  test('two processes that ask for the same 200 keys run each once, and both get every result', async () => {
    const store = await open();
    const [here, there] = [idempotency({ store }), idempotency({ store, pollInterval: 20 })];
    let runs = 0;
    const ask = (keys: typeof here) =>
      Promise.all(Array.from({ length: 200 }, (_, key) => keys.once(`o-${key}`, async () => ({ key, run: ++runs }))));
    const [first, second] = await Promise.all([ask(here), ask(there)]);
    expect(runs).toBe(200);
    expect(second).toEqual(first);
  });

  test('kill -9 of the server: what was kept in its log is kept, tokens go on growing, and scripts are sent again', async () => {
    const store = await open();
    const request = { fingerprint: '', leaseMs: 60_000, ttlMs: 60_000 };
    const claim = await store.claim('done', request);
    const token = claim.kind === 'claimed' ? claim.token : 0;
    expect(await store.complete('done', token, '{"value":1}', 60_000)).toBe(true);
    expect((await store.claim('running', request)).kind).toBe('claimed');
    // Written to the file by now; what a power failure would take is said on the page.
    server.signal('SIGKILL');
    await server.restart();
    expect(await store.claim('done', request)).toEqual({ kind: 'done', result: '{"value":1}' });
    expect((await store.claim('running', request)).kind).toBe('running');
    const next = await store.claim('next', request);
    expect(next.kind === 'claimed' && next.token > token + 1).toBe(true);
  }, 60_000);

  test('a server that may evict keys is refused before the first claim, unless that is accepted', async () => {
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']);
    const request = { fingerprint: '', leaseMs: 1000, ttlMs: 1000 };
    const store = redisStore({ client, prefix: '{evicting}:' });
    await expect(store.claim('k', request)).rejects.toMatchObject({
      code: 'MAKEGOOD_REDIS_EVICTION',
      policy: 'allkeys-lru',
    });
    const careless = redisStore({ client, prefix: '{evicting}:', allowEviction: true });
    expect((await careless.claim('k', request)).kind).toBe('claimed');
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']);
    expect((await store.claim('k', request)).kind).toBe('running');
  });
});
