import { describe, expect, test } from 'vitest';
import { seededRandom } from '../ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../testing/memory-files.ts';
import { sagaFirstStoreContract } from '../testing/saga-first-suite.ts';
import { type TestClock, testClock } from '../testing/test-clock.ts';
import { openWal } from '../wal/wal.ts';
import { memorySagaFirstStore } from './memory-saga-first-store.ts';
import type { SagaFirstStore } from './saga-first-store.ts';
import { openWalSagaFirstStore } from './wal-saga-first-store.ts';

const options = { segmentBytes: 65_536, clock: testClock(), random: seededRandom(1) };
const disks = new WeakMap<SagaFirstStore, MemoryFiles>();

async function openOn(files: MemoryFiles): Promise<SagaFirstStore> {
  const store = await openWalSagaFirstStore('steps', { ...options, files });
  disks.set(store, files);
  return store;
}

describe('in memory', () => {
  for (const { name, run } of sagaFirstStoreContract)
    test(name, () => run({ open: () => Promise.resolve(memorySagaFirstStore()) }));
});

describe('in a write-ahead log', () => {
  const harness = {
    open: () => openOn(memoryFiles()),
    reopen: async (store: SagaFirstStore) => {
      const files = disks.get(store) as MemoryFiles;
      files.crash();
      return openOn(files);
    },
  };
  for (const { name, run } of sagaFirstStoreContract) test(name, () => run(harness));
});

test('a log with a record out of its order, or of another form, is refused with its place', async () => {
  for (const payload of ['1 2 {"result":null}', '9 1 {}']) {
    const files = memoryFiles();
    const wal = await openWal('steps', { ...options, files });
    await wal.append([{ kind: 203, state: 0, timestamp: 0, txId: 'a', stepId: '', payload }]);
    await wal.close();
    await expect(openOn(files)).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_FIRST_UNREADABLE' });
  }
});

const refund = { name: 'refund', args: null, operationKey: 'k', settleAfterMs: 0, version: '1' };

async function close(store: SagaFirstStore, id: string): Promise<void> {
  await store.register(id, refund);
  await store.append(id, { type: 'confirmed', result: id }, 1);
  await store.append(id, { type: 'released' }, 2);
}

describe('closed steps are remembered for the retention', () => {
  const stores = {
    'in memory': (clock: TestClock) => Promise.resolve(memorySagaFirstStore({ clock, retention: '1d' })),
    'in a log': (clock: TestClock) =>
      openWalSagaFirstStore('steps', { ...options, clock, files: memoryFiles(), retention: '1d' }),
  };
  test.each(Object.entries(stores))('%s; open and armed ones for as long as they are', async (_, openStore) => {
    const clock = testClock();
    await using store = await openStore(clock);
    await close(store, 'closed');
    await store.register('open', refund);
    await store.register('armed', refund);
    await store.append('armed', { type: 'confirmed', result: 1 }, 1);
    await clock.advance(86_400_000 - 1);
    expect((await store.register('closed', refund)).won).toBe(false);
    await clock.advance(1);
    await close(store, 'later');
    expect(await store.read('closed')).toBeUndefined();
    expect((await store.read('open'))?.state.status).toBe('registered');
    expect((await store.read('armed'))?.state.status).toBe('confirmed');
    expect((await store.register('closed', refund)).won).toBe(true);
  });
});

test('a log is cut short while it is used; what it holds is the same after a crash, and after a close', async () => {
  const clock = testClock();
  const files = memoryFiles();
  const small = { ...options, clock, files, segmentBytes: 8192, checkpointBytes: 4096, retention: '1h' } as const;
  const again = () => openWalSagaFirstStore('steps', small);
  let store = await again();
  const held = async () => (await store.list({ statuses: ['registered', 'released', 'confirmed'], limit: 1000 })).items;
  for (let number = 0; number < 400; number++) {
    await close(store, `closed-${number}`);
    if (number % 10 === 0) await store.register(`open-${number}`, refund);
    await clock.advance(60_000);
    if (number % 50 !== 49) continue;
    const before = await held();
    expect(before.filter(({ status }) => status === 'released').length).toBe(Math.min(number + 1, 59));
    if (number % 100 === 49) await store.close();
    else files.crash();
    store = await again();
    expect(await held()).toEqual(before);
  }
  // 400 closed steps of three records each are some 300 KiB.
  expect((await files.list('steps')).filter((name) => name.endsWith('.seg')).length).toBeLessThan(12);
  await store.close();
});

test('of writes that are on their way when it is closed, what is durable is in the checkpoint', async () => {
  const files = memoryFiles();
  const store = await openOn(files);
  const writes = Array.from({ length: 20 }, (_, number) => store.register(`step-${number}`, refund));
  await writes[0];
  await store.close();
  const told = (await Promise.allSettled(writes)).flatMap((write) =>
    write.status === 'fulfilled' ? [write.value] : [],
  );
  const again = await openOn(files);
  for (const { state } of told) expect((await again.read(state.id))?.state).toEqual(state);
  await again.close();
});

test('when a write fails, the record does not hold and nobody is told it does', async () => {
  const files = memoryFiles();
  const store = await openOn(files);
  files.faults.writeFailsAt = 1;
  await expect(store.register('a', refund)).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  expect(await store.read('a')).toBeUndefined();
});
