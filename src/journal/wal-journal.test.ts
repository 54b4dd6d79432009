import { expect, test } from 'vitest';
import type { SagaRecord } from '../saga/record.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { recordingObserver } from '../testing/recording-observer.ts';
import { testClock } from '../testing/test-clock.ts';
import { openWal } from '../wal/wal.ts';
import type { Journal } from './journal.ts';
import { encodeRecord } from './record-codec.ts';
import { openWalJournal } from './wal-journal.ts';

const started: SagaRecord = {
  seq: 1,
  epoch: 1,
  timestamp: 1000,
  type: 'saga-started',
  name: 'order',
  version: '1',
  definition: 'd',
  steps: ['a'],
  input: null,
};
const confirmed: SagaRecord = {
  seq: 2,
  epoch: 1,
  timestamp: 1001,
  type: 'step-confirmed',
  step: 'a',
  attempt: 1,
  output: 1,
};

/** A log with these records of one saga, as a faulty program might have written them. */
async function logWith(...records: readonly SagaRecord[]) {
  const options = { files: memoryFiles(), clock: testClock(), segmentBytes: 8192 };
  const wal = await openWal('data', options);
  for (const record of records) await wal.append([encodeRecord('s', record, 0)]);
  await wal.close();
  return options;
}

test('a saga that does what it cannot do is left out, with the record, its place and why', async () => {
  const journal = await openWalJournal('data', await logWith(started, confirmed));
  for await (const { id } of journal.open()) throw new Error(`${id} is whole`);
  expect(journal.unreadable).toMatchObject([
    {
      state: { id: 's', name: 'order', seq: 1 },
      damage: { seq: 2, why: expect.stringContaining('no attempt of step "a" is open') as unknown },
      where: expect.stringMatching(/^data\/0{16}\.seg, offset \d+$/) as unknown,
    },
  ]);
  await expect(journal.state('s')).rejects.toMatchObject({ code: 'MAKEGOOD_RECORD_UNREADABLE' });
  const next = { ...confirmed, seq: 2, epoch: journal.epoch };
  await expect(journal.append('s', [next], { epoch: journal.epoch, expectedSeq: 1 })).rejects.toMatchObject({
    code: 'MAKEGOOD_RECORD_UNREADABLE',
  });
  await journal.close();
});

test.each([
  ['is missing', [started, { ...confirmed, seq: 3 }]],
  ['stands twice', [started, started]],
])('a saga of which a record %s is left out', async (_, records) => {
  const journal = await openWalJournal('data', await logWith(...records));
  expect(journal.unreadable.map(({ state }) => state.id)).toEqual(['s']);
  await journal.close();
});

test('of a history, the oldest and the newest record are read along the chain, whatever stands between', async () => {
  const options = await logWith();
  const journal = await openWalJournal('data', options);
  const { epoch } = journal;
  await journal.append('s', [{ ...started, epoch }], { epoch, expectedSeq: 0 });
  for (let other = 0; other < 50; other++)
    await journal.append(`other-${other}`, [{ ...started, epoch }], { epoch, expectedSeq: 0 });
  await journal.append('s', [{ ...confirmed, epoch }], { epoch, expectedSeq: 1 });
  expect((await journal.read('s')).map(({ seq }) => seq)).toEqual([1, 2]);
  await journal.close();
});

/** A saga of so many steps, an append a step, and its end; its journal may be another one from some step on. */
async function longSaga(
  first: Journal,
  steps: number,
  journalAt: (step: number, journal: Journal) => Promise<Journal> = (_, journal) => Promise.resolve(journal),
): Promise<SagaState> {
  let journal = first;
  const names = Array.from({ length: steps }, (_, place) => `step-${place}`);
  let seq = 0;
  const records: SagaRecord[] = [];
  const append = async (...next: readonly object[]): Promise<void> => {
    const { epoch } = journal;
    const stamped = next.map((data) => Object.assign({ seq: ++seq, epoch, timestamp: seq }, data) as SagaRecord);
    await journal.append('long', stamped, { epoch, expectedSeq: records.length });
    records.push(...stamped);
  };
  await append({ ...started, seq: 1, epoch: journal.epoch, timestamp: 1, steps: names });
  for (const [place, step] of names.entries()) {
    journal = await journalAt(place, journal);
    await append(
      { type: 'step-started', step, attempt: 1 },
      { type: 'step-confirmed', step, attempt: 1, output: step },
    );
  }
  await append({ type: 'saga-completed', output: 'done' });
  return foldRecords('long', records) as SagaState;
}

test('the state of a finished saga of 200 steps is read from its last whole snapshot, not from its 402 records', async () => {
  const options = { ...(await logWith()), segmentBytes: 1024 * 1024 };
  const journal = await openWalJournal('other', options);
  const state = await longSaga(journal, 200);
  const before = options.files.operations;
  expect(await journal.state('long')).toEqual(state);
  const forState = options.files.operations - before;
  expect(await journal.read('long')).toHaveLength(402);
  const forHistory = options.files.operations - before - forState;
  expect(forState).toBeLessThanOrEqual(24);
  expect(forHistory).toBeGreaterThanOrEqual(200);
  await journal.close();
});

test('what a saga did between a snapshot and a crash is in the snapshots that come after it', async () => {
  const options = { ...(await logWith()), segmentBytes: 1024 * 1024, snapshotEvery: 3 };
  let journal = await openWalJournal('other', options);
  const state = await longSaga(journal, 12, async (step, before) => {
    if (step !== 8) return before;
    options.files.crash();
    journal = await openWalJournal('other', options);
    return journal;
  });
  expect(await journal.state('long')).toEqual(state);
  await journal.close();
});

test('an append that is refused before it is written leaves its saga as it was', async () => {
  const journal = await openWalJournal('data', await logWith());
  const { epoch } = journal;
  const large = { ...started, epoch, input: 'x'.repeat(9000) };
  await expect(journal.append('s', [large], { epoch, expectedSeq: 0 })).rejects.toThrow(RangeError);
  expect((await journal.list()).items).toEqual([]);
  await journal.append('s', [{ ...started, epoch }], { epoch, expectedSeq: 0 });
  expect((await journal.list()).items).toHaveLength(1);
  await journal.close();
});

test('a checkpoint that cannot be made is told, and costs nothing else', async () => {
  const options = { ...(await logWith()), observer: recordingObserver() };
  const journal = await openWalJournal('data', options);
  const { epoch } = journal;
  await journal.append('s', [{ ...started, epoch }], { epoch, expectedSeq: 0 });
  options.files.faults.capacityBytes = 0;
  await journal.close();
  expect(options.observer.ofType('journal.checkpoint-failed')).toMatchObject([{ error: { code: 'ENOSPC' } }]);
  const again = await openWalJournal('data', options);
  expect((await again.list()).items).toHaveLength(1);
});

test.each([{ snapshotEvery: 0 }, { snapshotEvery: 1.5 }, { checkpointBytes: 1000 }])('refuses %o', async (options) => {
  await expect(openWalJournal('data', { files: memoryFiles(), ...options })).rejects.toThrow(
    /^Expected (snapshotEvery|checkpointBytes) to be an integer ≥ \d+ or Infinity, got/,
  );
});
