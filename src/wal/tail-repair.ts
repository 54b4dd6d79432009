import type { OpenFile } from '../ports/files.ts';
import type { LogFolder } from './log-folder.ts';
import type { ScannedLog, Stretch } from './recovery.ts';
import type { WalTornTail } from './wal-recovery.ts';
import { createWhole, readWhole, withFile, writeWhole } from './whole-io.ts';

const chunkBytes = 1024 * 1024;

async function copyInChunks(
  from: OpenFile,
  path: string,
  stretch: Stretch,
  to: OpenFile,
  position: number,
): Promise<void> {
  const chunk = new Uint8Array(Math.min(chunkBytes, stretch.bytes));
  for (let done = 0; done < stretch.bytes; done += chunk.length) {
    const length = Math.min(chunk.length, stretch.bytes - done);
    await readWhole(from, path, chunk, 0, length, stretch.offset + done);
    await writeWhole(to, chunk, 0, length, position + done);
  }
}

async function freeName(folder: LogFolder, stretch: Stretch): Promise<string> {
  const names = new Set(await folder.files.list(folder.path));
  const lsn = folder.lsnAt(stretch.seq, stretch.offset).toString(16).padStart(16, '0');
  // A crash in the middle of a repair leaves one behind, which may hold more than what is there by now.
  for (let number = 1; ; number++) {
    const name = `torn-${lsn}-${number}.bin`;
    if (!names.has(name)) return name;
  }
}

async function putAside(folder: LogFolder, torn: Stretch): Promise<WalTornTail> {
  const path = folder.segmentPath(torn.seq);
  const name = await freeName(folder, torn);
  await withFile(folder.files.open(path, 'write'), async (segment) => {
    await createWhole(folder.files, folder.path, name, (aside) => copyInChunks(segment, path, torn, aside, 0));
    // Appending behind a torn write would let it come back to life in a later recovery (cqlite#1390).
    const zeros = new Uint8Array(Math.min(chunkBytes, torn.bytes));
    for (let done = 0; done < torn.bytes; done += zeros.length) {
      await writeWhole(segment, zeros, 0, Math.min(zeros.length, torn.bytes - done), torn.offset + done);
    }
    await segment.sync();
  });
  return { file: path, offset: torn.offset, bytes: torn.bytes, savedTo: `${folder.path}/${name}` };
}

// After a failed sync the page cache may hold what the disk does not, and call it clean. Writing the same bytes again
// makes the pages dirty, so that this sync covers them.
async function rewrite(folder: LogFolder, frame: Stretch): Promise<void> {
  const path = folder.segmentPath(frame.seq);
  await withFile(folder.files.open(path, 'write'), async (segment) => {
    await copyInChunks(segment, path, frame, segment, frame.offset);
    await segment.sync();
  });
}

/** Brings the end of a log into the state an orderly one has; doing it twice, or again after a crash in it, is the same. */
export async function repairTail(folder: LogFolder, scanned: ScannedLog): Promise<WalTornTail | undefined> {
  const tornTail = scanned.torn === undefined ? undefined : await putAside(folder, scanned.torn);
  // With a mark behind it, the last batch was durable before the mark was written.
  if (!scanned.marked && scanned.lastFrame !== undefined) await rewrite(folder, scanned.lastFrame);
  return tornTail;
}
