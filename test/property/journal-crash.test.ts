/**
 * The power fails at any operation on the disk while sagas come and go, snapshots ride with them, checkpoints are made,
 * the log is archived, trimmed and purged; also while all of that is recovered.
 */
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { seededRandom } from '../../src/ports/random.ts';
import type { SagaRecord } from '../../src/saga/record.ts';
import { foldRecords } from '../../src/saga/state.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';

const runs = Number(process.env['MAKEGOOD_WAL_RUNS'] ?? 12);
const day = 86_400_000;
const clock = testClock();

// Dozens of whole lives of a journal: a machine that is busy with others takes its time.
vi.setConfig({ testTimeout: 180_000 });

function open(files: MemoryFiles): Promise<Journal> {
  return openWalJournal('/data', {
    files,
    clock,
    random: seededRandom(1),
    segmentBytes: 8192,
    checkpointBytes: 3000,
    snapshotEvery: 1,
    retention: '1d',
    tombstoneRetention: '1000d',
    flush: { maxBatchBytes: 2048 },
  });
}

/** What was asked of a journal, saga by saga, and how much of it was acknowledged. */
type Asked = Map<string, { readonly records: SagaRecord[]; acknowledged: number }>;

async function append(journal: Journal, asked: Asked, id: string, ...next: readonly object[]): Promise<void> {
  const saga = asked.get(id) ?? { records: [], acknowledged: 0 };
  asked.set(id, saga);
  const expectedSeq = saga.acknowledged;
  const { epoch } = journal;
  const records = next.map((data, index) => Object.assign({ seq: expectedSeq + index + 1, epoch }, data) as SagaRecord);
  saga.records.splice(expectedSeq, saga.records.length, ...records);
  await journal.append(id, records, { epoch, expectedSeq });
  saga.acknowledged = expectedSeq + records.length;
}

const steps = ['a', 'b', 'c'];

/** A saga from its start to its end, beside one that never ends; then a turn for what goes on beside appending. */
async function life(journal: Journal, asked: Asked, number: number): Promise<void> {
  const id = `saga-${number}`;
  const timestamp = 1000 + Math.floor(number / 10) * day;
  const begin = { timestamp, type: 'saga-started', name: 'order', version: '1', definition: 'd', steps };
  await append(journal, asked, id, { ...begin, input: 'x'.repeat(200) });
  for (const step of steps) {
    const attempt = { timestamp, step, attempt: 1 };
    await append(
      journal,
      asked,
      id,
      { ...attempt, type: 'step-started' },
      { ...attempt, type: 'step-confirmed', output: number },
    );
  }
  await append(journal, asked, id, { timestamp, type: 'saga-completed', output: number });
  const alive = asked.get('alive');
  if (alive === undefined) await append(journal, asked, 'alive', { ...begin, input: null });
  else {
    const attempt = foldRecords('alive', alive.records.slice(0, alive.acknowledged))?.steps[0]?.action.attempts ?? 0;
    const call = { timestamp, step: 'a', attempt: attempt + 1 };
    const failure = { code: 'E', message: 'away' };
    await append(
      journal,
      asked,
      'alive',
      { ...call, type: 'step-started' },
      { ...call, type: 'attempt-failed', failure, delayMs: 1, retryAt: 1 },
    );
  }
  await clock.settle();
}

/** Acknowledged is there, whole appends only, nothing else; and what was purged was old and finished. */
async function check(journal: Journal, asked: Asked, newest: number): Promise<void> {
  const kept: string[] = [];
  for (const [id, saga] of asked) {
    const found = await journal.read(id);
    const old = id !== 'alive' && Number(id.slice(5)) < newest - 10;
    if (found.length === 0 && old && saga.acknowledged === saga.records.length) continue;
    expect(found.length, `${id} has ${found.length} of ${saga.acknowledged} records`).toBeGreaterThanOrEqual(
      saga.acknowledged,
    );
    expect(found).toEqual(saga.records.slice(0, found.length));
    expect(await journal.state(id)).toEqual(foldRecords(id, found));
    if (found.length > 0) kept.push(id);
    saga.acknowledged = found.length;
    saga.records.splice(found.length);
  }
  const listed = (await journal.list({ limit: 1000 })).items.map(({ id }) => id);
  expect(listed.toSorted()).toEqual(kept.toSorted());
}

async function liveUntilCut(files: MemoryFiles, asked: Asked, first: number, count: number): Promise<void> {
  const journal = await open(files);
  for (let number = first; number < first + count; number++) await life(journal, asked, number);
  await journal.close();
}

test('a power cut at any operation loses no acknowledged record of any saga, live, archived or on its way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1500), { minLength: 1, maxLength: 3 }), fc.nat(), async (cuts, seed) => {
      const files = memoryFiles({ random: seededRandom(seed) });
      const asked: Asked = new Map();
      let first = 0;
      for (const cut of cuts) {
        files.faults.powerFailsAt = cut + 1;
        const failure: unknown = await liveUntilCut(files, asked, first, 25).catch((error: unknown) => error);
        if (failure !== undefined && files.faults.powerFailsAt === undefined) throw failure;
        // What the dead process still has in hand ends with it: the simulated disk cannot tell whose hand it is.
        await clock.settle();
        files.crash();
        const journal = await open(files);
        first += 25;
        await check(journal, asked, first);
        // A saga whose start was lost may be started again, and one that was cut short goes no further.
        for (const [id, { acknowledged }] of asked) if (acknowledged === 0) asked.delete(id);
        await journal.close();
      }
      const journal = await open(files);
      await check(journal, asked, first);
      await journal.close();
    }),
    { numRuns: runs },
  );
});
