import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import { all, entry, numbers, open, range } from './small-log.ts';

describe('read', () => {
  test('begins at a record, or at an earlier end of the log, across segments', async () => {
    await using wal = await open(memoryFiles(), { segmentBytes: 8192 });
    const starts: number[] = [];
    const ends: number[] = [];
    for (const number of range(30)) {
      ends.push(wal.durableLsn);
      starts.push(await wal.append([entry(number, new Uint8Array(700))]));
    }
    for (const number of range(30)) {
      expect(numbers(await all(wal.read(starts[number])))).toEqual(range(30).slice(number));
      expect(numbers(await all(wal.read(ends[number])))).toEqual(range(30).slice(number));
    }
    expect(await all(wal.read(wal.durableLsn))).toEqual([]);
  });

  test('sees what becomes durable while it goes on, and no more', async () => {
    await using wal = await open(memoryFiles());
    await wal.append([entry(0)]);
    const seen: number[] = [];
    for await (const { timestamp } of wal.read()) {
      seen.push(timestamp);
      if (timestamp < 5) await wal.append([entry(timestamp + 1)]);
    }
    expect(seen).toEqual(range(6));
  });

  test('a position where nothing can begin is refused', async () => {
    await using wal = await open(memoryFiles());
    const lsn = await wal.append([entry(0)]);
    for (const wrong of [-8, 0.5, lsn + 1, wal.durableLsn + 8, 2 ** 60, Number.NaN]) {
      await expect(wal.readAt(wrong)).rejects.toThrow(RangeError);
      await expect(all(wal.read(wrong))).rejects.toThrow(RangeError);
    }
    await expect(wal.readAt(lsn + 8)).rejects.toBeInstanceOf(WalCorruptError);
    await expect(wal.readAt(wal.durableLsn)).rejects.toThrow(RangeError);
  });

  test('a record that is kept does not change when others are read', async () => {
    await using wal = await open(memoryFiles());
    const lsn = await wal.append([entry(0, 'kept')]);
    await wal.append([entry(1, 'read')]);
    const kept = await wal.readAt(lsn);
    await all(wal.read());
    expect(new TextDecoder().decode(kept.payload)).toBe('kept');
    expect(kept.payload.buffer.byteLength).toBe(4);
  });

  test('many segments are read at random with a bounded number of files open', async () => {
    const files = memoryFiles();
    let opened = 0;
    let most = 0;
    const counting: MemoryFiles = Object.create(files, {
      open: {
        value: async (...given: Parameters<MemoryFiles['open']>) => {
          const file = await files.open(...given);
          most = Math.max(most, ++opened);
          const close = file.close.bind(file);
          file.close = () => {
            opened--;
            file.close = close;
            return close();
          };
          return file;
        },
      },
    });
    const wal = await open(counting, { segmentBytes: 8192 });
    const lsns: number[] = [];
    for (const number of range(100)) lsns.push(await wal.append([entry(number, new Uint8Array(1500))]));
    const random = seededRandom(5);
    await Promise.all(
      range(200).map(async () => {
        const number = Math.floor(random() * 100);
        expect((await wal.readAt(lsns[number] ?? 0)).timestamp).toBe(number);
      }),
    );
    for (let number = 99; number >= 0; number--) await wal.readAt(lsns[number] ?? 0);
    expect(opened).toBeLessThanOrEqual(10);
    await wal.close();
    expect(opened).toBe(0);
    expect(most).toBeLessThan(100);
  });
});

describe('scan', () => {
  test('gives the bytes of all records between two places, in stretches that end between two batches', async () => {
    await using wal = await open(memoryFiles(), { segmentBytes: 8192 });
    const ends: number[] = [];
    for (const number of range(30)) {
      await Promise.all([
        wal.append([entry(number, new Uint8Array(number * 20))]),
        wal.append([entry(number + 100), entry(number + 200)]),
      ]);
      ends.push(wal.durableLsn);
    }
    for (const stopAfterBytes of [1, 1000, 5000, Infinity]) {
      const found: number[] = [];
      const stops: number[] = [];
      const to = ends[25] ?? 0;
      for (let from = wal.firstLsn; from < to; ) {
        from = await wal.scan({ from, to, stopAfterBytes }, ({ bytes, txId, timestamp }) => {
          expect(new TextDecoder().decode(bytes)).toContain(txId);
          found.push(timestamp);
        });
        stops.push(from);
      }
      expect(found).toEqual(range(26).flatMap((number) => [number, number + 100, number + 200]));
      // A batch ends at each, or the segment behind the batch does.
      for (const stop of stops) expect(ends.includes(stop) || stop % 8192 === 4096).toBe(true);
      expect(stops.length).toBeGreaterThanOrEqual(stopAfterBytes === 1 ? 26 : 1);
    }
  });

  test('gives nothing that is not what was written', async () => {
    const files = memoryFiles();
    await using wal = await open(files);
    await wal.append([entry(0, new Uint8Array(100))]);
    const file = '/log/0000000000000000.seg';
    const bytes = files.contents(file);
    files.replace(
      file,
      bytes.map((byte, index) => (index === 4300 ? byte ^ 1 : byte)),
    );
    const scanning = wal.scan({ from: wal.firstLsn, to: wal.durableLsn, stopAfterBytes: Infinity }, () => undefined);
    await expect(scanning).rejects.toBeInstanceOf(WalCorruptError);
  });
});
