import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { type RecordingObserver, recordingObserver } from '../../src/testing/recording-observer.ts';
import type { Wal } from '../../src/wal/segmented-wal.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import type { WalOptions } from '../../src/wal/wal-options.ts';
import { all, entry, numbers, open, path, range } from './small-log.ts';

const segmentBytes = 8192;

interface Reopened {
  readonly wal: Wal;
  /** Numbers of the entries that the checkpoint gave, and of those behind it. */
  readonly held: readonly number[];
  readonly behind: readonly number[];
  readonly observer: RecordingObserver;
}

async function reopen(files: MemoryFiles, options: WalOptions = {}): Promise<Reopened> {
  const held: number[] = [];
  const behind: number[] = [];
  const observer = recordingObserver();
  const wal = await open(files, {
    segmentBytes,
    flush: { maxBatchBytes: 2048 },
    observer,
    onCheckpoint: ({ timestamp }) => held.push(timestamp),
    onRecord: ({ timestamp }) => behind.push(timestamp),
    ...options,
  });
  return { wal, held, behind, observer };
}

/** Ten entries, a checkpoint of them, ten more, a second checkpoint of all, and five behind it; three segments. */
async function twoCheckpoints(files: MemoryFiles = memoryFiles()): Promise<MemoryFiles> {
  const wal = await open(files, { segmentBytes });
  for (const number of range(25)) {
    if (number === 10 || number === 20)
      await wal.checkpoint(
        wal.point,
        range(number).map((held) => entry(held)),
      );
    await wal.append([entry(number, new Uint8Array(300))]);
  }
  await wal.close();
  return files;
}

/** How many operations an opening needs after so many appends, a checkpoint and trimming every ten. */
async function openingAfter(appends: number): Promise<number> {
  const files = memoryFiles();
  const wal = await open(files, { segmentBytes });
  for (const number of range(appends)) {
    await wal.append([entry(number, new Uint8Array(1000))]);
    if (number % 10 !== 9) continue;
    await wal.checkpoint(wal.point, [entry(number)]);
    await wal.trimBefore(wal.durableLsn);
  }
  await wal.close();
  const before = files.operations;
  await (await reopen(files)).wal.close();
  return files.operations - before;
}

async function checkpointFiles(files: MemoryFiles): Promise<string[]> {
  return (await files.list(path)).filter((name) => name.endsWith('.ckpt')).toSorted();
}

/** The same disk with one of its two checkpoints changed. */
async function damaged(
  files: MemoryFiles,
  which: 'older' | 'newer',
  change: (bytes: Uint8Array) => Uint8Array,
): Promise<MemoryFiles> {
  const copy = files.clone(seededRandom(1));
  const names = await checkpointFiles(copy);
  const file = `${path}/${names[which === 'older' ? 0 : 1] ?? ''}`;
  copy.replace(file, change(copy.contents(file)));
  return copy;
}

function flipped(at: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

describe('a checkpoint', () => {
  test('is where opening begins: what it holds is given first, then the records behind it, and none before', async () => {
    const { wal, held, behind } = await reopen(await twoCheckpoints());
    expect(held).toEqual(range(20));
    expect(behind).toEqual([20, 21, 22, 23, 24]);
    expect(wal.recovered).toMatchObject({ records: 5, checkpoint: { records: 20 }, tornTail: undefined, clean: true });
    expect(numbers(await all(wal.read()))).toEqual(range(25));
    await wal.append([entry(25)]);
    await wal.close();
    expect((await reopen(await twoCheckpoints())).behind).toHaveLength(5);
  });

  test('makes opening read no more of a log that is ten times as long', async () => {
    expect(await openingAfter(400)).toBeLessThanOrEqual((await openingAfter(40)) + 4);
  });

  test('leaves the two newest; an opening that ended at one makes the next behind it', async () => {
    const files = await twoCheckpoints();
    expect(await checkpointFiles(files)).toHaveLength(2);
    const { wal } = await reopen(files);
    const before = wal.checkpoints;
    await wal.checkpoint(wal.point, [entry(99)]);
    expect(wal.checkpoints).toEqual([wal.durableLsn, before[0]]);
    await wal.close();
    expect(await checkpointFiles(files)).toHaveLength(2);
    const { held, behind } = await reopen(files);
    expect([held, behind]).toEqual([[99], []]);
  });

  test('takes its entries a block at a time, so that appends go on between two blocks', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes });
    await wal.append([entry(0)]);
    const operationsBefore: number[] = [];
    function* entries() {
      for (const number of range(40)) {
        operationsBefore.push(files.operations);
        yield entry(number, new Uint8Array(64 * 1024));
      }
    }
    await wal.checkpoint(wal.point, entries());
    expect(new Set(operationsBefore).size).toBe(10);
    await wal.append([entry(1)]);
    await wal.close();
    const { held, behind } = await reopen(files);
    expect([held.length, behind.length]).toEqual([40, 1]);
  });

  test('holds what was true at its point, though its entries are asked for later', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes });
    await wal.append([entry(0)]);
    const { point } = wal;
    await wal.append([entry(1)]);
    await wal.checkpoint(point, [entry(0)]);
    await wal.close();
    const { held, behind } = await reopen(files);
    expect([held, behind]).toEqual([[0], [1]]);
  });

  test('at a point beyond the end is refused', async () => {
    const { wal } = await reopen(memoryFiles());
    const point = { ...wal.point, lsn: wal.durableLsn + 8 };
    await expect(wal.checkpoint(point, [])).rejects.toThrow(RangeError);
  });

  test('for which there is no space is not made, leaves nothing behind, and the log goes on', async () => {
    const files = await twoCheckpoints();
    const { wal } = await reopen(files);
    const names = await files.list(path);
    files.faults.capacityBytes = 0;
    await expect(wal.checkpoint(wal.point, [entry(0)])).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await files.list(path)).toEqual(names);
    await wal.append([entry(25)]);
    delete files.faults.capacityBytes;
    await wal.checkpoint(wal.point, [entry(0)]);
    await wal.close();
  });
});

describe('a damaged checkpoint', () => {
  test('a bit of any second byte flipped: opening falls back to the one before, says so, and gives the same', async () => {
    const files = await twoCheckpoints();
    const [, newer = ''] = await checkpointFiles(files);
    const { length } = files.contents(`${path}/${newer}`);
    for (let at = 0; at < length; at += 2) {
      const { wal, held, behind, observer } = await reopen(await damaged(files, 'newer', flipped(at)));
      expect([at, ...held, ...behind]).toEqual([at, ...range(25)]);
      expect(held).toHaveLength(10);
      expect(observer.ofType('wal.checkpoint-damaged')).toMatchObject([{ file: `${path}/${newer}` }]);
      await wal.close();
    }
  });

  test('cut at any seventh byte, with and without zeros in place of what was cut, or empty: the same', async () => {
    const files = await twoCheckpoints();
    const [, newer = ''] = await checkpointFiles(files);
    const { length } = files.contents(`${path}/${newer}`);
    for (let cut = 0; cut < length; cut += 7) {
      for (const change of [
        (bytes: Uint8Array) => bytes.slice(0, cut),
        (bytes: Uint8Array) => bytes.map((byte, index) => (index < cut ? byte : 0)),
      ]) {
        const { wal, held, behind } = await reopen(await damaged(files, 'newer', change));
        expect([cut, ...held, ...behind]).toEqual([cut, ...range(25)]);
        await wal.close();
      }
    }
  });

  test('both damaged: opening reads the log from its first segment', async () => {
    const files = await damaged(await damaged(await twoCheckpoints(), 'newer', flipped(200)), 'older', flipped(200));
    const { wal, held, behind, observer } = await reopen(files);
    expect([held, behind]).toEqual([[], range(25)]);
    expect(observer.ofType('wal.checkpoint-damaged')).toHaveLength(2);
    await wal.checkpoint(wal.point, []);
    await wal.close();
    expect(await checkpointFiles(files)).toHaveLength(1);
  });

  test('both damaged and the first segment removed: refused, and nothing is changed', async () => {
    const files = await twoCheckpoints();
    const { wal } = await reopen(files);
    await wal.trimBefore(wal.durableLsn);
    await wal.close();
    const broken = await damaged(await damaged(files, 'newer', flipped(200)), 'older', flipped(200));
    const names = await broken.list(path);
    const opening = reopen(broken).then(() => 'opened');
    await expect(opening).rejects.toBeInstanceOf(WalCorruptError);
    await expect(opening).rejects.toThrow(
      /segment 0 is missing, and no checkpoint that would stand for it can be read/,
    );
    expect(await broken.list(path)).toEqual(names);
  });

  test('of another log is not taken for one of this', async () => {
    const files = await twoCheckpoints();
    const other = memoryFiles();
    const wal = await open(other, { segmentBytes, random: seededRandom(77) });
    await wal.append([entry(0)]);
    await wal.checkpoint(wal.point, [entry(500)]);
    await wal.close();
    const [name = ''] = await checkpointFiles(other);
    const [, newer = ''] = await checkpointFiles(files);
    files.replace(`${path}/${newer}`, other.contents(`${path}/${name}`));
    expect((await reopen(files)).held).toEqual(range(10));
  });

  test('that tells of more than the log has: the log lost its end, which is refused', async () => {
    const files = await twoCheckpoints();
    const names = await files.list(path);
    for (const name of names.filter((each) => each > '0000000000000000.seg' && each.endsWith('.seg')))
      files.replace(`${path}/${name}`, files.contents(`${path}/${name}`).fill(0, 4096));
    await expect(reopen(files).then(() => 'opened')).rejects.toThrow(
      'was made behind a batch there, and it is not there any more',
    );
    expect(await files.list(path)).toEqual(names);
  });

  test('that was made behind another batch than stands there is refused: the log is of another time', async () => {
    const files = memoryFiles();
    const before = await open(files, { segmentBytes });
    await before.append([entry(0)]);
    const other = files.clone(seededRandom(1));
    await before.append([entry(1, 'one future')]);
    await before.checkpoint(before.point, [entry(0), entry(1)]);
    await before.close();
    const wal = await open(other, { segmentBytes });
    await wal.append([entry(1, 'the other one')]);
    await wal.close();
    files.replace(`${path}/0000000000000000.seg`, other.contents(`${path}/0000000000000000.seg`));
    await expect(reopen(files).then(() => 'opened')).rejects.toThrow('was made behind a batch there');
  });

  test('from whose segment a read fails is an error of the disk, not damage', async () => {
    const files = await twoCheckpoints();
    files.faults.readFailsAt = 1;
    await expect(reopen(files).then(() => 'opened')).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_READ_FAILED' });
    expect((await reopen(files)).held).toEqual(range(20));
  });
});

describe('trimming', () => {
  test('removes the segments wholly before the older checkpoint, and what is kept is read from there', async () => {
    const files = await twoCheckpoints();
    const { wal, observer } = await reopen(files);
    const [, older = 0] = wal.checkpoints;
    const firstLsn = await wal.trimBefore(wal.durableLsn);
    expect(firstLsn).toBe(wal.firstLsn);
    expect(firstLsn).toBeGreaterThan(segmentBytes);
    expect(firstLsn).toBeLessThanOrEqual(older);
    expect(numbers(await all(wal.read())).at(-1)).toBe(24);
    await expect(wal.readAt(4160)).rejects.toThrow(`from ${firstLsn} to below`);
    expect(observer.ofType('wal.trimmed')).toMatchObject([{ segments: 1, firstLsn }]);
    await wal.close();
    const again = await reopen(files);
    expect([again.held, again.behind]).toEqual([range(20), [20, 21, 22, 23, 24]]);
    expect(await again.wal.trimBefore(again.wal.durableLsn)).toBe(firstLsn);
  });

  test('stops at the position it is given', async () => {
    const { wal } = await reopen(await twoCheckpoints());
    expect(await wal.trimBefore(segmentBytes - 1)).toBe(4096);
  });

  test('without two checkpoints removes nothing', async () => {
    const files = memoryFiles();
    const wal = await open(files, { segmentBytes });
    for (const number of range(30)) await wal.append([entry(number, new Uint8Array(900))]);
    await wal.checkpoint(wal.point, []);
    expect(await wal.trimBefore(wal.durableLsn)).toBe(4096);
    await wal.close();
  });

  test('trusts no checkpoint that it has not read: a damaged older one keeps the segments', async () => {
    const files = await damaged(await twoCheckpoints(), 'older', flipped(150));
    const { wal, observer } = await reopen(files);
    expect(await wal.trimBefore(wal.durableLsn)).toBe(4096);
    expect(observer.ofType('wal.checkpoint-damaged')).toHaveLength(1);
    await wal.checkpoint(wal.point, [entry(7)]);
    await wal.close();
    expect((await reopen(files)).held).toEqual([7]);
  });
});
