import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { all, entry, numbers, open, range } from './small-log.ts';

describe("flush: 'inline'", () => {
  test('an append is on the disk before it returns, when nothing is in flight', async () => {
    const files = memoryFiles();
    const wal = await open(files, { flush: 'inline' });
    await wal.append([entry(0)]);
    const before = wal.durableLsn;
    const appended = wal.append([entry(1)]);
    expect(wal.durableLsn).toBeGreaterThan(before);
    files.crash();
    await appended;
    await using again = await open(files);
    expect(numbers(await all(again.read()))).toEqual([0, 1]);
  });

  test('across segments, with short writes, alone and together, the log is as it ever is', async () => {
    const files = memoryFiles({ faults: { shortRatio: 0.5 } });
    const clock = testClock();
    const wal = await open(files, { flush: 'inline', segmentBytes: 8192, clock });
    const lsns: number[] = [];
    for (const number of range(20)) lsns.push(await wal.append([entry(number, new Uint8Array(900))]));
    lsns.push(...(await Promise.all(range(20).map((number) => wal.append([entry(20 + number)])))));
    expect(lsns).toEqual(lsns.toSorted((left, right) => left - right));
    await clock.advance(11);
    await wal.append([entry(40)]);
    await wal.close();
    expect(clock.pendingTimers).toBe(0);
    await using again = await open(files, { segmentBytes: 8192 });
    expect(again.recovered).toMatchObject({ clean: true, records: 41 });
    expect(numbers(await all(again.read()))).toEqual(range(41));
  });

  test('a write that fails poisons the log', async () => {
    const files = memoryFiles();
    const wal = await open(files, { flush: 'inline' });
    await wal.append([entry(0)]);
    files.faults.syncFailsAt = 1;
    await expect(wal.append([entry(1)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
    await expect(wal.append([entry(2)])).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_FAILED' });
    await wal.close();
  });
});
