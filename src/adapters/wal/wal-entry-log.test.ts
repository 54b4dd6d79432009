import { expect, test } from 'vitest';
import type { EntryLog, EntryOwner, LogEntry } from '../../ports/entry-log.ts';
import { openWalJournal } from '../../journal/wal-journal.ts';
import { memoryFiles } from '../../testing/memory-files.ts';
import { testClock } from '../../testing/test-clock.ts';
import { walEntryLog } from './wal-entry-log.ts';

interface Count extends LogEntry {
  readonly value: number;
}

/** The latest value of each key: all that is live of any history. */
class Counts implements EntryOwner<Count> {
  readonly values = new Map<string, number>();
  applied = 0;

  apply({ key, value }: Count): void {
    this.applied++;
    this.values.set(key, value);
  }

  *live(): Generator<Count> {
    for (const [key, value] of this.values) yield { type: 'count', key, value };
  }
}

function world() {
  const options = { files: memoryFiles(), clock: testClock(), segmentBytes: 8192, checkpointBytes: 4096 };
  return { ...options, open: (purpose = 'counts'): EntryLog<Count> => walEntryLog('log', { ...options, purpose }) };
}

const count = (value: number): Count => ({ type: 'count', key: `key ${value % 10}`, value });

test('what was appended is there after a power failure, and the log is cut short meanwhile', async () => {
  const { open, files, clock } = world();
  const before = new Counts();
  const log = open();
  await log.recover(before);
  for (let value = 0; value < 2000; value++) {
    await log.append([count(value)]);
    if (value % 100 === 0) await clock.settle();
  }
  await clock.settle();
  files.faults.powerFailsAt = files.operations + 1;
  await expect(log.append([count(1)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  await clock.settle();
  files.crash();
  const after = new Counts();
  await using again = open();
  await again.recover(after);
  expect(after.values).toEqual(before.values);
  expect(after.applied).toBeLessThan(1000);
});

test('what could not be made durable is not applied', async () => {
  const { open, files } = world();
  const counts = new Counts();
  const log = open();
  await log.recover(counts);
  files.faults.powerFailsAt = files.operations + 1;
  await expect(log.append([count(1)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
  expect(counts.values.size).toBe(0);
});

test('closing writes the last checkpoint; a folder of another purpose, or of a journal, is refused', async () => {
  const { open, files, clock } = world();
  const log = open();
  await log.recover(new Counts());
  for (let value = 0; value < 50; value++) await log.append([count(value)]);
  await log.close();
  await log.close();
  await expect(log.append([count(1)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_CLOSED' });
  const after = new Counts();
  const again = open();
  await again.recover(after);
  expect(after.applied).toBe(10);
  await again.close();
  await expect(open('other').recover(new Counts())).rejects.toThrow(
    'the folder was made for "counts", not for "other"',
  );
  await (await openWalJournal('journal', { files, clock, segmentBytes: 8192 })).close();
  const journal = walEntryLog<Count>('journal', { files, clock, purpose: 'counts' });
  await expect(journal.recover(new Counts())).rejects.toMatchObject({ code: 'MAKEGOOD_RECORD_UNREADABLE' });
});

test('is used in order: recovered first, and once', async () => {
  const { open } = world();
  const log = open();
  await expect(log.append([count(1)])).rejects.toThrow('Expected an entry log to be recovered first');
  await log.recover(new Counts());
  await expect(log.recover(new Counts())).rejects.toThrow('Expected an entry log to be recovered once');
  await log.close();
  expect(() => walEntryLog('log', { purpose: '' })).toThrow('Expected purpose of an entry log to be text');
});
