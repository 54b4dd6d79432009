import { expect, test } from 'vitest';
import { openLoggedSource } from './logged-source.ts';
import { type CacheView, readCache } from './read-cache.ts';

async function world(options: { maxEntries?: number; maxAttempts?: number } = {}) {
  const source = await openLoggedSource<number>();
  await source.commit({ reads: new Map(), writes: new Map([['apples', 7]]) });
  let reads = 0;
  const counting = {
    read: (keys: readonly string[]) => (reads++, source.read(keys)),
    commit: source.commit.bind(source),
  };
  return { source, cache: readCache<number>({ source: counting, ...options }), reads: () => reads };
}

async function take({ read, write }: CacheView<number>): Promise<number> {
  const left = ((await read('apples')) ?? 0) - 1;
  write('apples', left);
  return left;
}

test('a second read costs nothing, and a write is known here at once', async () => {
  const { cache, reads } = await world();
  expect([await cache.get('apples'), await cache.get('apples'), reads()]).toEqual([7, 7, 1]);
  expect(await cache.decide(take)).toBe(6);
  expect([await cache.get('apples'), reads()]).toEqual([6, 1]);
  expect(cache.figures).toEqual({ hits: 3, misses: 1, repeated: 0, size: 1 });
});

test('a decision on an old value is made again on the newer one, without asking for it', async () => {
  const { cache, source, reads } = await world();
  await cache.get('apples');
  await source.commit({ reads: new Map([['apples', 1]]), writes: new Map([['apples', 3]]) });
  expect(await cache.decide(take)).toBe(2);
  expect((await source.read(['apples'])).get('apples')).toEqual({ value: 2, version: 3 });
  expect([cache.figures.repeated, reads()]).toEqual([1, 1]);
});

test('what was read but not written is checked too, and what was not there', async () => {
  const { cache, source } = await world();
  let runs = 0;
  await cache.decide(async ({ read, write }) => {
    runs++;
    if ((await read('closed')) === undefined) write('orders', runs);
    if (runs === 1) await source.commit({ reads: new Map(), writes: new Map([['closed', 1]]) });
  });
  expect([runs, source.size]).toEqual([2, 2]);
  expect((await source.read(['orders'])).size).toBe(0);
});

test('a decision that is always overtaken is given up, and nothing of it is written', async () => {
  const { cache, source } = await world({ maxAttempts: 3 });
  const overtaken = cache.decide(async (view) => {
    const left = await take(view);
    await source.commit({ reads: new Map(), writes: new Map([['apples', 7]]) });
    return left;
  });
  await expect(overtaken).rejects.toMatchObject({ code: 'MAKEGOOD_CACHE_CONTENTION', attempts: 3 });
  expect((await source.read(['apples'])).get('apples')).toEqual({ value: 7, version: 4 });
});

test('what is not used for longest is forgotten first', async () => {
  const { cache, reads } = await world({ maxEntries: 2 });
  await cache.warm([
    ['a', { value: 1, version: 1 }],
    ['b', { value: 2, version: 1 }],
  ]);
  await cache.get('a');
  await cache.warm([['c', { value: 3, version: 1 }]]);
  await cache.get('a');
  expect([cache.figures.size, reads()]).toEqual([2, 0]);
  await cache.get('b');
  expect(reads()).toBe(1);
});

test('a version never goes back, and a value that the source never had does no harm', async () => {
  const { cache } = await world();
  await cache.get('apples');
  expect(await cache.warm([['apples', { value: 99, version: 1 }]])).toBe(0);
  expect(await cache.warm([['apples', { value: 99, version: 1000 }]])).toBe(1);
  expect(await cache.decide(take)).toBe(6);
});

test('when the source cannot be reached, decisions reject and reads go on; what was read is asked for anew', async () => {
  const { source } = await world();
  let cutOff = false;
  const link = <Answer>(call: () => Promise<Answer>): Promise<Answer> =>
    cutOff ? Promise.reject(new Error('unreachable')) : call();
  const cache = readCache<number>({
    source: { read: (keys) => link(() => source.read(keys)), commit: (request) => link(() => source.commit(request)) },
  });
  await cache.warm([['pears', { value: 4, version: 1 }]]);
  await cache.get('apples');
  cutOff = true;
  await expect(cache.decide(take)).rejects.toThrow('unreachable');
  expect(await cache.get('pears')).toBe(4);
  await expect(cache.get('apples')).rejects.toThrow('unreachable');
  cutOff = false;
  expect(await cache.decide(take)).toBe(6);
});

test('an abort ends the attempts, with its reason', async () => {
  const { cache, source } = await world();
  const controller = new AbortController();
  const decision = cache.decide(
    async (view) => {
      await take(view);
      await source.commit({ reads: new Map(), writes: new Map([['apples', 7]]) });
      controller.abort(new Error('gone'));
    },
    { signal: controller.signal },
  );
  await expect(decision).rejects.toThrow('gone');
});

test('refuses options that cannot be', async () => {
  const { source } = await world();
  expect(() => readCache({ source, maxEntries: 0 })).toThrow('Expected maxEntries to be an integer ≥ 1, got 0');
  expect(() => readCache({ source: {} as never })).toThrow('Expected source to be a versioned source');
});
