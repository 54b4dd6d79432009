import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import { all, entry, numbers, open, range } from './small-log.ts';

/** The same files, how many of them are open and were at most, and a way to hold up what is read of them. */
function counted(files: MemoryFiles) {
  const count = { opened: 0, most: 0 };
  let held = Promise.resolve();
  const opened = async (...given: Parameters<MemoryFiles['open']>) => {
    const file = await files.open(...given);
    count.most = Math.max(count.most, ++count.opened);
    const [close, read] = [file.close.bind(file), file.read.bind(file)];
    file.read = (...where) => held.then(() => read(...where));
    file.close = () => {
      count.opened--;
      file.close = close;
      return close();
    };
    return file;
  };
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  const counting: MemoryFiles = Object.create(files, { open: { value: opened } });
  return { files: counting, count, hold };
}

async function turns(many: number): Promise<void> {
  for (let turn = 0; turn < many; turn++) await new Promise(setImmediate);
}

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
    const { files, count } = counted(memoryFiles());
    const wal = await open(files, { segmentBytes: 8192 });
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
    expect(count.opened).toBeLessThanOrEqual(10);
    await wal.close();
    expect(count.opened).toBe(0);
    expect(count.most).toBeLessThan(100);
  });

  test('a read that goes on while the log is closed is waited for, and leaves no file open', async () => {
    const { files, count, hold } = counted(memoryFiles());
    const wal = await open(files, { segmentBytes: 64 * 1024 });
    // Too long for the first look at it: it is read a second time.
    const lsn = await wal.append([entry(7, new Uint8Array(40_000))]);
    const release = hold();
    const reading = wal.readAt(lsn);
    const closing = wal.close();
    await turns(100);
    expect(count.opened).toBeGreaterThan(0);
    release();
    expect((await reading).timestamp).toBe(7);
    await closing;
    expect(count.opened).toBe(0);
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
