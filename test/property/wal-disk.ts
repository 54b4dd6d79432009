import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import { entryOf, type History, logPath, worldOptions } from './wal-world.ts';

/** The least a segment may have: what is to be seen at their borders is seen soon. */
export const smallSegmentBytes = 8192;
export const segmentHeadBytes = 4096;

/** Where a segment lies. */
export function segmentPath(seq: number): string {
  return `${logPath}/${seq.toString(16).padStart(16, '0')}.seg`;
}

/** How the last process went: in the middle of it, after a pause, or in order. */
export type Ending = 'crash' | 'marked' | 'sealed';
export const endings: readonly Ending[] = ['crash', 'marked', 'sealed'];

/** A disk with a log on it, and what the log's writer knows of it. */
export interface Disk {
  readonly files: MemoryFiles;
  readonly history: History;
  /** Position behind each batch, first batch first. */
  readonly batchEnds: readonly number[];
  /** How many records stand in the batches up to and including each. */
  readonly recordsUpTo: readonly number[];
}

/** A disk with a log of one batch for each of the given lists of payload sizes, as the ending leaves it. */
export async function diskWith(sizes: readonly (readonly number[])[], ending: Ending): Promise<Disk> {
  const files = memoryFiles();
  const clock = testClock();
  const wal = await openWal(logPath, worldOptions(files, clock, smallSegmentBytes));
  const history: History = { calls: [] };
  const batchEnds: number[] = [];
  const recordsUpTo: number[] = [];
  let first = 0;
  for (const payloads of sizes) {
    const lsn = await wal.append(payloads.map((bytes, index) => entryOf(first + index, bytes)));
    history.calls.push({ first, sizes: payloads, lsn });
    first += payloads.length;
    batchEnds.push(wal.durableLsn);
    recordsUpTo.push(first);
  }
  if (ending === 'marked') await clock.advance(11);
  if (ending === 'sealed') await wal.close();
  return { files: files.clone(seededRandom(1)), history, batchEnds, recordsUpTo };
}

/** The disk with one of its files changed. */
export function withChange(
  disk: Disk,
  path: string,
  change: (bytes: Uint8Array) => Uint8Array | undefined,
): MemoryFiles {
  const files = disk.files.clone(seededRandom(1));
  const bytes = files.contents(path);
  files.replace(path, change(bytes) ?? bytes);
  return files;
}

/** Flips one bit, counted from the first byte's lowest. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes;
}

/** What of a history stands in so many records. */
export function firstRecords(history: History, records: number): History {
  return { calls: history.calls.filter(({ first }) => first < records) };
}
