import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import type { Wal } from '../../src/wal/segmented-wal.ts';
import { openWal } from '../../src/wal/wal.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import type { WalRecord } from '../../src/wal/wal-record.ts';
import {
  type Disk,
  diskWith,
  endings,
  firstRecords,
  segmentHeadBytes as headBytes,
  segmentPath,
  smallSegmentBytes as segmentBytes,
  withChange,
} from './wal-disk.ts';
import { checkRecovered, entryOf, logPath, recover, worldOptions } from './wal-world.ts';

async function tryOpen(
  files: MemoryFiles,
): Promise<{ readonly wal: Wal; readonly records: readonly WalRecord[] } | WalCorruptError> {
  return recover(files, segmentBytes).catch((error: unknown) => {
    if (error instanceof WalCorruptError) return error;
    throw error;
  });
}

/** The disk with one segment changed. */
function changed(disk: Disk, seq: number, change: (bytes: Uint8Array) => Uint8Array | undefined): MemoryFiles {
  return withChange(disk, segmentPath(seq), change);
}

const small = [[10], [0, 33], [7], [64], [1, 2, 3]] as const;

describe.each(endings)('a log that ended %s', (ending) => {
  test('cut at every byte and filled with zeros: gives the whole batches before the cut, and reports the torn one', async () => {
    const disk = await diskWith(small, ending);
    const intact = disk.files.contents(segmentPath(0));
    const end = (disk.batchEnds.at(-1) ?? 0) + 64;
    for (let cut = headBytes; cut <= end; cut++) {
      const files = changed(disk, 0, (bytes) => bytes.fill(0, cut));
      const opened = await tryOpen(files);
      if (opened instanceof WalCorruptError) throw new Error(`cut at ${cut} of ${end}`, { cause: opened });
      // Zeros at the end of a batch may be what stood there: then cutting them changes nothing.
      const whole = disk.batchEnds.filter((batchEnd) =>
        intact.subarray(cut, batchEnd).every((byte) => byte === 0),
      ).length;
      const records = whole === 0 ? 0 : (disk.recordsUpTo[whole - 1] ?? 0);
      expect(opened.records.length).toBe(records);
      checkRecovered(firstRecords(disk.history, records), opened.records);
      const { tornTail } = opened.wal.recovered;
      if (tornTail !== undefined) {
        expect(tornTail.offset).toBeLessThanOrEqual(cut);
        const saved = files.contents(tornTail.savedTo);
        const { offset, bytes } = tornTail;
        expect(saved).toEqual(
          intact
            .slice()
            .fill(0, cut)
            .slice(offset, offset + bytes),
        );
        const left = files.contents(segmentPath(0)).slice(tornTail.offset + 64);
        expect(left.every((byte) => byte === 0)).toBe(true);
      }
      await opened.wal.close();
    }
  });

  test('cut at every byte and left short: refused, since no crash makes a segment shorter', async () => {
    const disk = await diskWith(small, ending);
    for (let cut = 0; cut < segmentBytes; cut += cut < 4500 && cut >= headBytes ? 1 : 61) {
      const files = changed(disk, 0, (bytes) => bytes.slice(0, cut));
      const before = files.contents(segmentPath(0));
      await expect(recover(files, segmentBytes)).rejects.toBeInstanceOf(WalCorruptError);
      expect(files.contents(segmentPath(0))).toEqual(before);
    }
  });

  test('every bit of the last two batches flipped: found, and never taken for another record', async () => {
    const disk = await diskWith(small, ending);
    const all = disk.recordsUpTo.at(-1) ?? 0;
    const lastStart = disk.batchEnds.at(-2) ?? 0;
    const from = disk.batchEnds.at(-3) ?? 0;
    const to = (disk.batchEnds.at(-1) ?? 0) + 64;
    for (let bit = from * 8; bit < to * 8; bit++) {
      const files = changed(disk, 0, (bytes) => {
        bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        return bytes;
      });
      const opened = await tryOpen(files);
      const inLast = bit >>> 3 >= lastStart && bit >>> 3 < to - 64;
      const behind = bit >>> 3 >= to - 64;
      if (opened instanceof WalCorruptError) {
        // Nothing behind the last batch of a crash proves that it was durable; in all other cases something does.
        expect({ bit, behind, undecidable: inLast && ending === 'crash' }).toEqual({
          bit,
          behind: false,
          undecidable: false,
        });
        expect(opened.readableBefore).toBe(inLast ? lastStart : from);
        continue;
      }
      expect({ bit, silent: !behind && !(inLast && ending === 'crash') }).toEqual({ bit, silent: false });
      const expected = inLast ? (disk.recordsUpTo.at(-2) ?? 0) : all;
      expect(opened.records.length).toBe(expected);
      checkRecovered(firstRecords(disk.history, expected), opened.records);
      if (inLast || (behind && ending === 'crash')) expect(opened.wal.recovered.tornTail).toBeDefined();
      await opened.wal.close();
    }
  }, 60_000);
});

/** Five segments, the last of them in use. */
const large = Array.from({ length: 16 }, (_, index) => [900 + index, 30]);

test('a bit flipped anywhere in a log of several segments: refused, or nothing is missing, or the last batch is reported torn', async () => {
  const disk = await diskWith(large, 'crash');
  const names = (await disk.files.list(logPath)).filter((name) => name !== 'LOCK');
  const all = disk.recordsUpTo.at(-1) ?? 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(names.length - 1), fc.nat(), async (nameIndex, where) => {
      const path = `${logPath}/${names[nameIndex]}`;
      const files = disk.files.clone(seededRandom(1));
      const bytes = files.contents(path);
      const bit = where % (bytes.length * 8);
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      files.replace(path, bytes);
      const opened = await tryOpen(files);
      if (opened instanceof WalCorruptError) {
        refused++;
        return;
      }
      const found = opened.records.length;
      checkRecovered(firstRecords(disk.history, found), opened.records);
      if (found < all) {
        expect(found).toBe(disk.recordsUpTo.at(-2));
        expect(opened.wal.recovered.tornTail).toBeDefined();
      }
      await opened.wal.close();
    }),
    { numRuns: 600 },
  );
  expect(refused).toBeGreaterThan(100);
});

test('records whose batch is damaged while the log is open are refused by read and by readAt', async () => {
  const files = memoryFiles();
  const wal = await openWal(logPath, worldOptions(files, testClock(), segmentBytes));
  const lsns: number[] = [];
  for (let number = 0; number < 3; number++) lsns.push(await wal.append([entryOf(number, 61)]));
  const [, middle = 0, last = 0] = lsns;
  const intact = files.contents(segmentPath(0));
  for (let bit = middle * 8; bit < (middle + 104) * 8; bit++) {
    const bytes = intact.slice();
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    // Into the same file that the reader has open.
    const file = await files.open(segmentPath(0), 'write');
    await file.write(bytes, 0, bytes.length, 0);
    await expect(wal.readAt(middle)).rejects.toBeInstanceOf(WalCorruptError);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { lsn } of wal.read()) seen.push(lsn);
    })();
    await expect(reading).rejects.toBeInstanceOf(WalCorruptError);
    expect(seen).toEqual(lsns.slice(0, 1));
    expect((await wal.readAt(last)).timestamp).toBe(2);
  }
});

describe('segments', () => {
  const cases: Record<string, (files: MemoryFiles, foreign: MemoryFiles) => Promise<void> | void> = {
    'the first is missing': (files) => files.remove(segmentPath(0)),
    'one in the middle is missing': (files) => files.remove(segmentPath(2)),
    'the last in use is missing': async (files) => {
      const names = (await files.list(logPath)).filter((name) => name.endsWith('.seg')).sort();
      const used = names.filter((name) =>
        files
          .contents(`${logPath}/${name}`)
          .subarray(headBytes)
          .some((byte) => byte > 0),
      );
      await files.remove(`${logPath}/${used.at(-1)}`);
    },
    'two are swapped': (files) => {
      const [second, third] = [files.contents(segmentPath(1)), files.contents(segmentPath(2))];
      files.replace(segmentPath(1), third);
      files.replace(segmentPath(2), second);
    },
    'one stands twice': (files) => files.replace(segmentPath(2), files.contents(segmentPath(1))),
    'one comes from another log': (files, foreign) => files.replace(segmentPath(1), foreign.contents(segmentPath(1))),
    'one is as it was before it was used': (files) => {
      files.replace(segmentPath(1), files.contents(segmentPath(1)).fill(0, headBytes));
    },
    'the end of one is gone': (files) => {
      const bytes = files.contents(segmentPath(1));
      let end = bytes.length - 8;
      while (bytes.subarray(end, end + 8).every((byte) => byte === 0)) end -= 8;
      files.replace(segmentPath(1), bytes.fill(0, end - 56));
    },
    'the body of another log stands under a head of ours': (files, foreign) => {
      const bytes = foreign.contents(segmentPath(1));
      bytes.set(files.contents(segmentPath(1)).subarray(0, headBytes));
      files.replace(segmentPath(1), bytes);
    },
    'JOURNAL is missing': (files) => files.remove(`${logPath}/JOURNAL`),
    'JOURNAL is that of another log': (files, foreign) => {
      files.replace(`${logPath}/JOURNAL`, foreign.contents(`${logPath}/JOURNAL`));
    },
    'JOURNAL is empty': (files) => files.replace(`${logPath}/JOURNAL`, new Uint8Array()),
    'a stretch longer than any buffer is zeros': (files) => {
      for (const seq of [1, 2]) files.replace(segmentPath(seq), files.contents(segmentPath(seq)).fill(0, headBytes));
    },
  };
  test.each(Object.entries(cases))('%s: refused, and nothing is changed', async (_name, damage) => {
    const { files } = await diskWith(large, 'sealed');
    const foreign = memoryFiles();
    const other = await openWal(logPath, {
      ...worldOptions(foreign, testClock(), segmentBytes),
      random: seededRandom(7),
    });
    for (let number = 0; number < 16; number++) await other.append([entryOf(number, 900)]);
    await damage(files, foreign);
    const names = await files.list(logPath);
    const before = names.map((name) => files.contents(`${logPath}/${name}`));
    const error: unknown = await recover(files, segmentBytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WalCorruptError);
    expect(error).toMatchObject({ code: 'MAKEGOOD_WAL_CORRUPT', file: expect.stringContaining(logPath) });
    expect(await files.list(logPath)).toEqual(names);
    expect(names.map((name) => files.contents(`${logPath}/${name}`))).toEqual(before);
    await (await files.lock(`${logPath}/LOCK`)).release();
  });
});

test('a batch of another history of the same log, whole and in its place, is refused: it does not follow the one before', async () => {
  const { files } = await diskWith(small, 'sealed');
  const ends: number[][] = [];
  const histories: Uint8Array[] = [];
  for (const text of ['one', 'two']) {
    const fork = files.clone(seededRandom(1));
    const { wal } = await recover(fork, segmentBytes);
    const marks: number[] = [];
    for (let number = 0; number < 3; number++) {
      await wal.append([{ ...entryOf(number, 0), payload: text }]);
      marks.push(wal.durableLsn);
    }
    await wal.close();
    ends.push(marks);
    histories.push(fork.contents(segmentPath(0)));
  }
  expect(ends[0]).toEqual(ends[1]);
  const [one = new Uint8Array(), two = new Uint8Array()] = histories;
  const cut = ends[0]?.[0] ?? 0;
  one.set(two.subarray(cut), cut);
  files.replace(segmentPath(0), one);
  await expect(recover(files, segmentBytes)).rejects.toMatchObject({
    code: 'MAKEGOOD_WAL_CORRUPT',
    offset: cut,
    message: expect.stringContaining('does not follow the one before it'),
  });
});
