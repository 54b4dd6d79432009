import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { recordingObserver } from '../../src/testing/recording-observer.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { all, entry, numbers, open, path, range } from './small-log.ts';

describe('opening', () => {
  test('gives every record to onRecord, once and in order, with a payload to be used at once', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes: 8192 });
    for (const number of range(40)) await wal.append([entry(number, String(number).repeat(100))]);
    await wal.close();
    const seen: number[] = [];
    await using again = await open(files, {
      onRecord: ({ timestamp, payload }) => {
        expect(new TextDecoder().decode(payload)).toBe(String(timestamp).repeat(100));
        seen.push(timestamp);
      },
    });
    expect(seen).toEqual(range(40));
    expect(again.recovered).toMatchObject({ records: 40, clean: true });
  });

  test('what onRecord throws ends the opening, and the lock is free', async () => {
    const files = memoryFiles();
    const wal = await open(files);
    await wal.append([entry(0)]);
    await wal.close();
    const refusing = open(files, {
      onRecord: () => {
        throw new Error('not mine');
      },
    });
    await expect(refusing).rejects.toThrow('not mine');
    await (await open(files)).close();
  });

  test('a torn write is found to its last byte, wherever in a large segment that stands', async () => {
    const segmentBytes = 512 * 1024;
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes });
    await wal.append([entry(0)]);
    files.crash();
    const segment = `${path}/0000000000000000.seg`;
    const intact = files.contents(segment);
    const end = intact.findLastIndex((byte) => byte !== 0) + 1;
    for (const last of [1, 8, 65_535, 65_536, 65_537, 131_072, 200_000, segmentBytes - 1 - end]) {
      const torn = files.clone(seededRandom(1));
      const bytes = intact.slice();
      bytes[end + last] = 1;
      torn.replace(segment, bytes);
      await using again = await open(torn, { segmentBytes });
      const { offset = 0, bytes: length = 0 } = again.recovered.tornTail ?? {};
      expect(offset + length).toBeGreaterThan(end + last);
      expect(
        torn
          .contents(segment)
          .subarray(end + 64)
          .every((byte) => byte === 0),
      ).toBe(true);
    }
  });

  test('a second opener is refused until the first has closed', async () => {
    const files = memoryFiles();
    const wal = await open(files);
    await expect(open(files)).rejects.toMatchObject({ code: 'MAKEGOOD_FILE_LOCKED' });
    await wal.append([entry(0)]);
    await wal.close();
    await (await open(files)).close();
  });

  test('an existing log keeps its segment size, whatever the option says', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes: 8192 });
    const lsn = await wal.append([entry(0)]);
    await wal.close();
    await using again = await open(files, { segmentBytes: 65_536 });
    expect((await again.readAt(lsn)).timestamp).toBe(0);
    await expect(again.append([entry(1, new Uint8Array(8192))])).rejects.toThrow(RangeError);
  });

  test('the observer hears what was found', async () => {
    const files = memoryFiles({ random: seededRandom(2) });
    const wal = await open(files);
    await wal.append([entry(0)]);
    const segment = `${path}/${'0'.repeat(16)}.seg`;
    await wal.close();
    const bytes = files.contents(segment);
    bytes[5000] = 1;
    files.replace(segment, bytes.fill(0, 4096 + 64 + 48 + 8, 4900));
    const observer = recordingObserver();
    await using again = await open(files, { observer });
    expect(observer.ofType('wal.recovered')).toMatchObject([{ path, records: 1, clean: false }]);
    expect(observer.ofType('wal.torn-tail')).toMatchObject([{ path, file: segment, offset: again.durableLsn }]);
    expect(files.contents(again.recovered.tornTail?.savedTo ?? '').at(-8)).toBe(1);
  });

  test('a clock that runs backwards changes nothing: the order is that of the positions', async () => {
    const clock = testClock();
    const files = memoryFiles();
    const wal = await open(files, { clock });
    await wal.append([entry(5)]);
    clock.stepWallClock(-86_400_000);
    await wal.append([entry(4)]);
    await wal.close();
    await using again = await open(files, { clock });
    expect(numbers(await all(again.read()))).toEqual([5, 4]);
  });

  test.each([
    [{ segmentBytes: 4096 }, 'Expected segmentBytes to be an integer from 8192 to 1073741824, got 4096'],
    [{ segmentBytes: 10_000 }, 'Expected segmentBytes to be a multiple of 4096, got 10000'],
    [{ flush: { maxBatchBytes: 10 } }, 'Expected flush.maxBatchBytes to be an integer from 1024 to 1073741824, got 10'],
    [{ flush: { maxBatchRecords: 0 } }, 'Expected flush.maxBatchRecords to be an integer from 1 to 2147483647, got 0'],
    [{ flush: { maxWaitingAppends: -1 } }, 'Expected flush.maxWaitingAppends to be an integer from 0'],
    [{ flush: { maxWaitingBytes: 1.5 } }, 'Expected flush.maxWaitingBytes to be an integer from 0'],
  ])('refuses %o before it touches the disk', async (options, message) => {
    const files = memoryFiles();
    await expect(open(files, options)).rejects.toThrow(message);
    expect(files.operations).toBe(0);
  });
});
