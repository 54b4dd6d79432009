import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { recordingObserver } from '../../src/testing/recording-observer.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { WalFailedError, WalReadError } from '../../src/wal/wal-errors.ts';
import { all, entry, numbers, open, path, range } from './small-log.ts';

describe('failure', () => {
  test.each(['writeFailsAt', 'syncFailsAt'] as const)(
    '%s: poisons the log; in flight, filling, waiting and later appends all reject',
    async (fault) => {
      const files = memoryFiles();
      const observer = recordingObserver();
      const wal = await open(files, { observer, flush: { maxBatchRecords: 2 } });
      await wal.append([entry(0)]);
      const durable = wal.durableLsn;
      files.faults[fault] = 1;
      const appended = await Promise.allSettled(range(7).map((number) => wal.append([entry(number)])));
      expect(appended.every(({ status }) => status === 'rejected')).toBe(true);
      const written = files.operations;
      const later = wal.append([entry(9)]);
      await expect(later).rejects.toBeInstanceOf(WalFailedError);
      await expect(later).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED', path, cause: { code: 'EIO' } });
      expect(wal.failed).toBeInstanceOf(WalFailedError);
      expect(wal.durableLsn).toBe(durable);
      expect(observer.ofType('wal.failed')).toHaveLength(1);
      expect(numbers(await all(wal.read()))).toEqual([0]);
      const operations = files.operations;
      await wal.close();
      expect(files.operations).toBe(operations);
      expect(operations).toBeGreaterThanOrEqual(written);
      await using again = await open(files);
      expect((await all(again.read())).length).toBeGreaterThanOrEqual(1);
      await again.append([entry(10)]);
    },
  );

  test('a mark that cannot be written is a failure like any other', async () => {
    const files = memoryFiles();
    const clock = testClock();
    const wal = await open(files, { clock });
    await wal.append([entry(0)]);
    files.faults.writeFailsAt = 1;
    await clock.advance(11);
    await expect(wal.append([entry(1)])).rejects.toBeInstanceOf(WalFailedError);
    await wal.close();
  });

  test('short writes and short reads are continued', async () => {
    const files = memoryFiles({ random: seededRandom(3), faults: { shortRatio: 0.7 } });
    const wal = await open(files);
    for (const number of range(30)) await wal.append([entry(number, new Uint8Array(500).fill(number))]);
    await wal.close();
    await using again = await open(files);
    const records = await all(again.read());
    expect(numbers(records)).toEqual(range(30));
    expect(records.every(({ payload, timestamp }) => payload.every((byte) => byte === timestamp))).toBe(true);
  });

  test('EIO at any read of recovery is an error, never the end of the log, and the next opening reads all', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes: 8192 });
    for (const number of range(20)) await wal.append([entry(number, new Uint8Array(900))]);
    await wal.close();
    let failures = 0;
    for (let read = 1; ; read++) {
      files.faults.readFailsAt = read;
      const opened = await open(files).catch((error: unknown) => error);
      if (!(opened instanceof Error)) break;
      failures++;
      expect(opened).toBeInstanceOf(WalReadError);
      expect(opened).toMatchObject({ code: 'MAKEGOOD_WAL_READ_FAILED', cause: { code: 'EIO' } });
    }
    expect(failures).toBeGreaterThan(4);
    files.crash();
    delete files.faults.readFailsAt;
    await using again = await open(files);
    expect(again.recovered.records).toBe(20);
  });

  test('EIO while reading one record is an error, and the next read gives it', async () => {
    const files = memoryFiles();
    await using wal = await open(files);
    const lsn = await wal.append([entry(0)]);
    files.faults.readFailsAt = 1;
    await expect(wal.readAt(lsn)).rejects.toBeInstanceOf(WalReadError);
    expect((await wal.readAt(lsn)).timestamp).toBe(0);
  });

  test('a full disk: making a log fails and leaves nothing in the way of the next try', async () => {
    const files = memoryFiles({ faults: { capacityBytes: 6000 } });
    await expect(open(files)).rejects.toMatchObject({ code: 'ENOSPC' });
    delete files.faults.capacityBytes;
    await using wal = await open(files);
    await wal.append([entry(0)]);
  });

  test('a disk that was full when the next segment was to be made ahead, and has space when it is needed, is forgiven', async () => {
    const files = memoryFiles();
    await using wal = await open(files, { segmentBytes: 8192 });
    files.faults.capacityBytes = 9000;
    await wal.append([entry(0, new Uint8Array(2500))]);
    await wal.append([entry(1, new Uint8Array(500))]);
    delete files.faults.capacityBytes;
    await wal.append([entry(2, new Uint8Array(2500))]);
    expect(numbers(await all(wal.read()))).toEqual([0, 1, 2]);
  });

  test('a log that closes while the segment which is needed has no space fails, and what was durable stays', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes: 8192 });
    files.faults.capacityBytes = 9000;
    await wal.append([entry(0, new Uint8Array(2500))]);
    const lost = expect(wal.append([entry(1, new Uint8Array(2500))])).rejects.toMatchObject({
      cause: { code: 'ENOSPC' },
    });
    await wal.close();
    await lost;
    delete files.faults.capacityBytes;
    await using again = await open(files);
    expect(numbers(await all(again.read()))).toEqual([0]);
    await again.append([entry(1, new Uint8Array(2500))]);
  });
});
