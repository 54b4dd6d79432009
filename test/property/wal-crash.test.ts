import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { isMakegoodError } from '../../src/errors.ts';
import type { WalRecord } from '../../src/wal/wal-record.ts';
import { type Action, anyAction, checkRecovered, type History, logPath, play, recover } from './wal-world.ts';

const runs = Number(process.env['MAKEGOOD_WAL_RUNS'] ?? 100);
const segmentBytes = 8192;

// Thousands of small worlds: a machine that is busy with others takes its time.
vi.setConfig({ testTimeout: 180_000 });

/** Plays until the power fails at operation `powerFailsAt`, or to the end; the disk keeps what chance wants. */
async function crashedAt(files: MemoryFiles, actions: readonly Action[], powerFailsAt: number): Promise<History> {
  const history: History = { calls: [] };
  files.faults.powerFailsAt = powerFailsAt;
  try {
    await play(files, actions, segmentBytes, history);
  } catch (error) {
    if (!isPowerCut(error)) throw error;
  }
  await crash(files);
  return history;
}

/** Lets all that the old process still has in hand end with it: the simulated disk cannot tell whose hand it is. */
function ended(): Promise<void> {
  return new Promise((turn) => setImmediate(turn));
}

async function crash(files: MemoryFiles): Promise<void> {
  await ended();
  files.crash();
}

function isPowerCut(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && cause.code === 'EPOWER') return true;
  return false;
}

/**
 * What the history becomes once recovery has had the last word: what is there was appended and stands where it was found,
 * acknowledged or not, so that it must never be lost later and its owner's next checkpoint holds it; the rest was not.
 */
function settled(history: History, records: readonly WalRecord[]): History {
  const calls = history.calls.flatMap(({ first, sizes }) => {
    const found = records[first];
    return found === undefined ? [] : [{ first, sizes, lsn: found.lsn }];
  });
  return { calls };
}

test('a power cut at any operation loses nothing acknowledged, tears no append, and opens without help', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 12 }),
      fc.nat(400),
      fc.nat(),
      async (actions, powerFailsAt, seed) => {
        const files = memoryFiles({ random: seededRandom(seed) });
        const history = await crashedAt(files, actions, powerFailsAt + 1);
        const { wal, records } = await recover(files, segmentBytes);
        checkRecovered(history, records);
        await wal.close();
        const again = await recover(files, segmentBytes);
        expect(again.records).toEqual(records);
        expect(again.wal.recovered).toMatchObject({ clean: true, tornTail: undefined });
        await again.wal.close();
      },
    ),
    { numRuns: runs },
  );
});

test('recovery that ends in a crash of the process alone finds nothing torn the second time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 8 }),
      fc.nat(250),
      fc.nat(),
      async (actions, powerFailsAt, seed) => {
        const files = memoryFiles({ random: seededRandom(seed) });
        await crashedAt(files, actions, powerFailsAt + 1);
        const { records } = await recover(files, segmentBytes);
        const again = await recover(restarted(files), segmentBytes);
        expect(again.records).toEqual(records);
        expect(again.wal.recovered.tornTail).toBeUndefined();
        await again.wal.close();
      },
    ),
    { numRuns: Math.ceil(runs / 2) },
  );
});

test('a second power cut, in the middle of recovery or of what follows it, is no worse than the first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 8 }),
      fc.nat(250),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      async (actions, powerFailsAt, cuts, seed) => {
        const files = memoryFiles({ random: seededRandom(seed) });
        let history = await crashedAt(files, actions, powerFailsAt + 1);
        for (const cut of cuts) {
          files.faults.powerFailsAt = cut + 1;
          try {
            const { records } = await recover(files, segmentBytes);
            checkRecovered(history, records);
            history = settled(history, records);
          } catch (error) {
            if (!isPowerCut(error)) throw error;
          }
          await crash(files);
        }
        const { wal, records } = await recover(files, segmentBytes);
        checkRecovered(history, records);
        await wal.close();
      },
    ),
    { numRuns: runs },
  );
});

test('torn, opened, appended, opened again: what stood in the torn tail does not come back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 8 }),
      fc.array(anyAction, { minLength: 1, maxLength: 8 }),
      fc.nat(250),
      fc.nat(250),
      fc.nat(),
      async (first, second, firstCut, secondCut, seed) => {
        const files = memoryFiles({ random: seededRandom(seed) });
        let history = await crashedAt(files, first, firstCut + 1);
        for (const [actions, cut] of [
          [second, secondCut],
          [first, firstCut],
        ] as const) {
          const { wal, records } = await recover(files, segmentBytes);
          checkRecovered(history, records);
          await wal.close();
          history = settled(history, records);
          files.faults.powerFailsAt = cut + 1 + files.operations;
          await play(files, actions, segmentBytes, history).catch((error: unknown) => {
            if (!isPowerCut(error)) throw error;
          });
          await crash(files);
        }
        const { wal, records } = await recover(files, segmentBytes);
        checkRecovered(history, records);
        await wal.close();
      },
    ),
    { numRuns: Math.ceil(runs / 2) },
  );
});

test('every operation of one scenario with rotation, marks, checkpoints, trimming and reopenings: power cut before, within and after it', async () => {
  const actions: Action[] = [
    { type: 'append', calls: [[20], [100, 0, 7], [900]] },
    { type: 'silence' },
    { type: 'append', calls: [[1500], [1500], [1500]] },
    { type: 'append', calls: [[2500], [1]] },
    { type: 'reopen' },
    { type: 'append', calls: [[60], [3000]] },
    { type: 'silence' },
    { type: 'append', calls: [[5], [6]] },
    { type: 'checkpoint' },
    { type: 'append', calls: [[3000], [3000]] },
    { type: 'checkpoint' },
    { type: 'append', calls: [[50]] },
    { type: 'trim' },
    { type: 'append', calls: [[3000], [70]] },
    { type: 'checkpoint' },
    { type: 'trim' },
    { type: 'reopen' },
    { type: 'append', calls: [[7]] },
    { type: 'reopen' },
  ];
  const whole = memoryFiles();
  const history: History = { calls: [] };
  await play(whole, actions, segmentBytes, history);
  expect(history.calls.every(({ lsn }) => lsn !== undefined)).toBe(true);
  const names = await whole.list(logPath);
  expect(names.filter((name) => name.endsWith('.ckpt'))).toHaveLength(2);
  expect(names.includes('0000000000000000.seg')).toBe(false);
  for (let operation = 1; operation <= whole.operations; operation++) {
    const files = memoryFiles({ random: seededRandom(operation) });
    const cut = await crashedAt(files, actions, operation);
    try {
      const { wal, records } = await recover(files, segmentBytes);
      checkRecovered(cut, records);
      await wal.close();
    } catch (error) {
      throw new Error(`power cut at operation ${operation}`, { cause: error });
    }
  }
});

test('a sync that fails is never trusted: what is acknowledged or recovered after it survives the next power cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyAction, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(),
      async (actions, syncFailsAt, seed) => {
        const files = memoryFiles({ random: seededRandom(seed) });
        const history: History = { calls: [] };
        files.faults.syncFailsAt = syncFailsAt;
        const failure: unknown = await play(files, actions, segmentBytes, history).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure !== undefined && !isMakegoodError(failure, 'MAKEGOOD_WAL_FAILED')) {
          expect(failure).toMatchObject({ code: 'EIO' });
        }
        delete files.faults.syncFailsAt;
        await ended();
        // The process ends and its page cache stays: the log is opened again from pages that the disk may not have.
        const twin = restarted(files);
        const { records } = await recover(twin, segmentBytes);
        checkRecovered(history, records);
        const after = settled(history, records);
        await crash(twin);
        const { wal, records: later } = await recover(twin, segmentBytes);
        checkRecovered(after, later);
        await wal.close();
      },
    ),
    { numRuns: runs },
  );
});

/** The same disk and page cache for a new process, which does not know of the locks of the old one. */
function restarted(files: MemoryFiles): MemoryFiles {
  let generation = 0;
  return new Proxy(files, {
    get(target, key, receiver) {
      if (key === 'lock') return () => target.lock(`/generation-${generation++}`);
      const value: unknown = Reflect.get(target, key, receiver);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
