/** Damage on the medium: cuts, flipped bits, segments and checkpoints that are not what they were. */
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import {
  type Disk,
  diskWith,
  type Ending,
  endings,
  firstRecords,
  flipBit,
  segmentHeadBytes,
  segmentPath,
  smallSegmentBytes,
  withChange,
} from '../../test/property/wal-disk.ts';
import { checkRecovered, entryOf, logPath, recover, worldOptions } from '../../test/property/wal-world.ts';
import type { Effort, Tally, Torture } from './tally.ts';

const small = [[10], [0, 33], [7], [64], [1, 2, 3]] as const;
/** Five segments, the last of them in use. */
const large = Array.from({ length: 14 }, (_, index) => [900 + index, 30]);

type Opened = { readonly records: number; readonly torn: boolean } | 'refused';

/** Opens the log and checks what it gives against the history; a refusal must have changed nothing. */
async function openAndCheck(disk: Disk, files: MemoryFiles): Promise<Opened> {
  const names = await files.list(logPath);
  const before = names.map((name) => files.contents(`${logPath}/${name}`));
  try {
    const { wal, records } = await recover(files, smallSegmentBytes);
    await wal.close();
    checkRecovered(firstRecords(disk.history, records.length), records);
    return { records: records.length, torn: wal.recovered.tornTail !== undefined };
  } catch (error) {
    if (!(error instanceof WalCorruptError)) throw error;
    for (const [index, name] of names.entries())
      if (Buffer.compare(files.contents(`${logPath}/${name}`), before[index] ?? new Uint8Array()) !== 0)
        throw new Error(`the log was refused, and yet ${name} was changed`, { cause: error });
    return 'refused';
  }
}

/** What was acknowledged may be missing only where nothing in the log proves that it was there, and then it is said. */
function mustHoldAll(disk: Disk, ending: Ending, opened: Opened): void {
  if (opened === 'refused') return;
  const all = disk.recordsUpTo.at(-1) ?? 0;
  if (opened.records === all) return;
  const isLastBatch = opened.records === disk.recordsUpTo.at(-2);
  if (ending !== 'crash' || !isLastBatch) throw new Error(`${opened.records} of ${all} records, and no word of damage`);
  if (!opened.torn) throw new Error('the last batch is missing and no torn write is reported');
}

/** In `npm test` a part is enough: test/property/wal-damage.test.ts goes through all of it there. */
const strideOf = (effort: Effort): number => (effort === 'short' ? 11 : 1);

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

async function cuts(tally: Tally, effort: Effort): Promise<void> {
  for (const ending of endings) {
    const disk = await diskWith(small, ending);
    const intact = disk.files.contents(segmentPath(0));
    const end = (disk.batchEnds.at(-1) ?? 0) + 64;
    for (let cut = segmentHeadBytes; cut <= end; cut += strideOf(effort)) {
      await tally.try(`cut at ${cut} of ${end}, filled with zeros, ended ${ending}`, async () => {
        const opened = await openAndCheck(
          disk,
          withChange(disk, segmentPath(0), (bytes) => bytes.fill(0, cut)),
        );
        if (opened === 'refused') throw new Error('a torn write was taken for damage');
        // Zeros at the end of a batch may be what stood there: then cutting them changes nothing.
        const wholeEnds = disk.batchEnds.filter((batchEnd) => isZero(intact.subarray(cut, batchEnd)));
        const wanted = disk.recordsUpTo[wholeEnds.length - 1] ?? 0;
        if (opened.records !== wanted) throw new Error(`${opened.records} records instead of ${wanted}`);
      });
      await tally.try(`cut at ${cut} and left short, ended ${ending}`, async () => {
        const opened = await openAndCheck(
          disk,
          withChange(disk, segmentPath(0), (bytes) => bytes.slice(0, cut)),
        );
        if (opened !== 'refused') throw new Error('a segment that was made shorter was taken for whole');
      });
    }
  }
}

async function lastBits(tally: Tally, effort: Effort): Promise<void> {
  const batches = effort === 'short' ? 2 : small.length;
  for (const ending of endings) {
    const disk = await diskWith(small, ending);
    const from = disk.batchEnds.at(-1 - batches) ?? segmentHeadBytes;
    const to = (disk.batchEnds.at(-1) ?? 0) + 64;
    for (let bit = from * 8; bit < to * 8; bit += strideOf(effort))
      await tally.try(`bit ${bit} flipped, ended ${ending}`, async () =>
        mustHoldAll(
          disk,
          ending,
          await openAndCheck(
            disk,
            withChange(disk, segmentPath(0), (it) => flipBit(it, bit)),
          ),
        ),
      );
  }
}

async function randomBits(tally: Tally, effort: Effort): Promise<void> {
  const random = seededRandom(effort === 'short' ? 7 : Date.now() >>> 0);
  const flips = effort === 'short' ? 500 : 10_000;
  for (const ending of endings) {
    const disk = await diskWith(large, ending);
    const names = (await disk.files.list(logPath)).filter((name) => name !== 'LOCK');
    for (let flip = 0; flip < flips / endings.length; flip++) {
      const path = `${logPath}/${names[Math.floor(random() * names.length)]}`;
      const bit = Math.floor(random() * disk.files.contents(path).length * 8);
      await tally.try(`bit ${bit} of ${path} flipped, ended ${ending}`, async () =>
        mustHoldAll(
          disk,
          ending,
          await openAndCheck(
            disk,
            withChange(disk, path, (bytes) => flipBit(bytes, bit)),
          ),
        ),
      );
    }
  }
}

async function otherLog(): Promise<MemoryFiles> {
  const files = memoryFiles();
  const wal = await openWal(logPath, {
    ...worldOptions(files, testClock(), smallSegmentBytes),
    random: seededRandom(7),
  });
  for (let number = 0; number < 14; number++) await wal.append([entryOf(number, 900)]);
  await wal.close();
  return files;
}

async function segments(tally: Tally): Promise<void> {
  const foreign = await otherLog();
  const changes: Record<string, (files: MemoryFiles, seq: number) => unknown> = {
    missing: (files, seq) => files.remove(segmentPath(seq)),
    'filled with zeros': (files, seq) => files.replace(segmentPath(seq), new Uint8Array(smallSegmentBytes)),
    'filled with zeros behind its head': (files, seq) =>
      files.replace(segmentPath(seq), files.contents(segmentPath(seq)).fill(0, segmentHeadBytes)),
    'another one of the log': (files, seq) =>
      files.replace(segmentPath(seq), files.contents(segmentPath(seq === 0 ? 1 : seq - 1))),
    'one of another log': (files, seq) => files.replace(segmentPath(seq), foreign.contents(segmentPath(seq))),
    'one of another log behind its own head': (files, seq) => {
      const bytes = foreign.contents(segmentPath(seq));
      bytes.set(files.contents(segmentPath(seq)).subarray(0, segmentHeadBytes));
      files.replace(segmentPath(seq), bytes);
    },
  };
  for (const ending of endings) {
    const disk = await diskWith(large, ending);
    const lastInUse = Math.floor((disk.batchEnds.at(-1) ?? 0) / smallSegmentBytes);
    for (const [what, change] of Object.entries(changes))
      for (let seq = 0; seq < lastInUse; seq++)
        await tally.try(`segment ${seq} is ${what}, ended ${ending}`, async () => {
          const files = disk.files.clone(seededRandom(1));
          await change(files, seq);
          if ((await openAndCheck(disk, files)) !== 'refused') throw new Error('it was taken for the log');
        });
    for (let seq = 0; seq + 1 < lastInUse; seq++)
      await tally.try(`segments ${seq} and ${seq + 1} are swapped, ended ${ending}`, async () => {
        const files = disk.files.clone(seededRandom(1));
        const [one, other] = [files.contents(segmentPath(seq)), files.contents(segmentPath(seq + 1))];
        files.replace(segmentPath(seq), other);
        files.replace(segmentPath(seq + 1), one);
        if ((await openAndCheck(disk, files)) !== 'refused') throw new Error('it was taken for the log');
      });
  }
}

async function tornTwice(tally: Tally): Promise<void> {
  const disk = await diskWith(small, 'crash');
  // The last of its bytes that are not zero: what is cut behind it changes nothing.
  const end = disk.files.contents(segmentPath(0)).findLastIndex((byte) => byte !== 0);
  for (let cut = (disk.batchEnds.at(-2) ?? 0) + 1; cut <= end; cut++)
    await tally.try(`torn at ${cut}, appended, torn again, appended`, async () => {
      const files = withChange(disk, segmentPath(0), (bytes) => bytes.fill(0, cut));
      let wanted = disk.recordsUpTo.at(-2) ?? 0;
      for (let turn = 0; turn < 2; turn++) {
        const { wal, records } = await recover(files, smallSegmentBytes);
        if (records.length !== wanted) throw new Error(`${records.length} records instead of ${wanted}`);
        // The mark stands at the end; behind it nothing of the torn write may be left.
        if (!isZero(files.contents(segmentPath(0)).subarray(wal.durableLsn + 64)))
          throw new Error('what was torn still stands behind the end');
        const kept = await wal.append([entryOf(wanted, 5)]);
        const lost = await wal.append([entryOf(wanted + 1, 60)]);
        await wal.close();
        files.replace(segmentPath(0), files.contents(segmentPath(0)).fill(0, lost - 40));
        if (kept >= lost) throw new Error('positions do not grow');
        wanted++;
      }
      const { wal, records } = await recover(files, smallSegmentBytes);
      await wal.close();
      if (records.length !== wanted) throw new Error(`${records.length} records instead of ${wanted} at the end`);
    });
}

/** Two histories of one log, told apart by the chain alone: same places, same segments, other records. */
async function otherHistory(tally: Tally): Promise<void> {
  const { files } = await diskWith(small, 'sealed');
  const forks = await Promise.all(
    [3, 4].map(async (kind) => {
      const fork = files.clone(seededRandom(1));
      const { wal } = await recover(fork, smallSegmentBytes);
      const ends: number[] = [];
      for (let number = 0; number < 4; number++) {
        await wal.append([{ ...entryOf(number, 20), kind }]);
        ends.push(wal.durableLsn);
      }
      await wal.close();
      return { bytes: fork.contents(segmentPath(0)), ends };
    }),
  );
  const [one, other] = forks;
  for (const cut of one?.ends.slice(0, -1) ?? [])
    await tally.try(`from byte ${cut} on as it was in another history`, async () => {
      const mixed = one?.bytes.slice() ?? new Uint8Array();
      mixed.set(other?.bytes.subarray(cut) ?? [], cut);
      const mixture = files.clone(seededRandom(1));
      mixture.replace(segmentPath(0), mixed);
      const opened = await recover(mixture, smallSegmentBytes).catch((error: unknown) => {
        if (error instanceof WalCorruptError) return undefined;
        throw error;
      });
      await opened?.wal.close();
      if (opened !== undefined) throw new Error('it was taken for the log');
    });
}

/** How many records of a checkpoint the log begins with. */
async function restored(files: MemoryFiles): Promise<number> {
  let count = 0;
  const opened = await openWal(logPath, {
    ...worldOptions(files, testClock(), smallSegmentBytes),
    onCheckpoint: () => void count++,
  });
  await opened.close();
  return count;
}

/** Checkpoints damaged anywhere, or of a log that was longer once. */
async function checkpoints(tally: Tally, effort: Effort): Promise<void> {
  const { files: whole } = await diskWith(large, 'sealed');
  const { wal } = await recover(whole, smallSegmentBytes);
  const older = whole.clone(seededRandom(1));
  const bases: number[] = [];
  for (const count of [40, 3]) {
    await wal.append([entryOf(99, 50)]);
    await wal.checkpoint(
      wal.point,
      Array.from({ length: count }, (_, index) => entryOf(index, 30)),
    );
    bases.push(count);
  }
  await wal.close();
  const names = (await whole.list(logPath)).filter((name) => name.endsWith('.ckpt')).toSorted();
  for (const [index, name] of names.entries()) {
    const path = `${logPath}/${name}`;
    const bits = whole.contents(path).length * 8;
    for (let bit = 0; bit < bits; bit += effort === 'short' ? 127 : 1)
      await tally.try(`bit ${bit} of ${name} flipped`, async () => {
        const files = whole.clone(seededRandom(1));
        files.replace(path, flipBit(files.contents(path), bit));
        // The newest one damaged: the one before it. The older one damaged: nobody looks at it.
        const wanted = bases[index === 1 ? 0 : 1];
        const found = await restored(files);
        if (found !== wanted) throw new Error(`${found} records of a checkpoint instead of ${wanted}`);
      });
    for (let cut = 0; cut < bits / 8; cut += effort === 'short' ? 151 : 1)
      await tally.try(`${name} cut at ${cut}`, async () => {
        const files = whole.clone(seededRandom(1));
        files.replace(path, files.contents(path).slice(0, cut));
        const found = await restored(files);
        if (found !== bases[index === 1 ? 0 : 1]) throw new Error(`${found} records of a checkpoint`);
      });
  }
  await tally.try('checkpoints of a log that was longer once', async () => {
    const files = older.clone(seededRandom(1));
    for (const name of names) files.replace(`${logPath}/${name}`, whole.contents(`${logPath}/${name}`));
    const found = await restored(files).catch((error: unknown) => {
      if (error instanceof WalCorruptError) return undefined;
      throw error;
    });
    if (found !== undefined) throw new Error('what was acknowledged behind it is lost, and nothing is said');
  });
}

const section = (name: string, run: Torture['run']): Torture => ({ name, inMemory: true, run });

export const damageTortures: readonly Torture[] = [
  section('cut at every byte, with zeros and without', cuts),
  section('every bit of the last batches × {crash, marked, sealed}', lastBits),
  section('bits anywhere', randomBits),
  section('segments missing, zeroed, doubled, swapped, foreign', segments),
  section('a batch of another history', otherHistory),
  section('checkpoints damaged, torn, stale', checkpoints),
  section('torn, appended, reopened, twice', tornTwice),
];
