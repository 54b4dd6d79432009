import { expect, test } from 'vitest';
import type { SagaRecord } from '../saga/record.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { testClock } from '../testing/test-clock.ts';
import { openWal } from '../wal/wal.ts';
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

test('a log in which a saga does what it cannot do is refused, with the saga, the record and its position', async () => {
  const opening = openWalJournal('data', await logWith(started, confirmed));
  await expect(opening).rejects.toMatchObject({
    code: 'MAKEGOOD_RECORD_UNREADABLE',
    cause: { code: 'MAKEGOOD_ILLEGAL_RECORD' },
  });
  await expect(opening).rejects.toThrow(
    /^record at \d+ cannot be read: in saga "s", record 2 "step-confirmed" cannot be applied: no attempt of step "a" is open; /,
  );
});

test('a log in which a record of a saga is missing, or stands twice, is refused', async () => {
  for (const records of [
    [started, { ...confirmed, seq: 3 }],
    [started, started],
  ]) {
    await expect(openWalJournal('data', await logWith(...records))).rejects.toMatchObject({
      code: 'MAKEGOOD_RECORD_UNREADABLE',
    });
  }
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
