import { describe, expect, test } from 'vitest';
import { seededRandom } from '../ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../testing/memory-files.ts';
import { sagaFirstStoreContract } from '../testing/saga-first-suite.ts';
import { testClock } from '../testing/test-clock.ts';
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

test('when a write fails, the record does not hold and nobody is told it does', async () => {
  const files = memoryFiles();
  const store = await openOn(files);
  const refund = { name: 'refund', args: null, operationKey: 'k', settleAfterMs: 0, version: '1' };
  files.faults.writeFailsAt = 1;
  await expect(store.register('a', refund)).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  expect(await store.read('a')).toBeUndefined();
});
