/**
 * Checkpoints: what the owner of a log holds at one position of it, so that opening begins there and not at the first
 * record. The two newest are kept; the older one is what a damaged newest one falls back to.
 */
import type { Clock } from '../ports/clock.ts';
import { type BatchHeader, batchHeaderBytes, batchKinds, belongsAt, decodeBatchHeader } from './batch-header.ts';
import type { BlockFileHead } from './block-file.ts';
import { BlockFileReader } from './block-file-reader.ts';
import { BlockFileWriter } from './block-file-writer.ts';
import { FrameBuffer } from './frame-buffer.ts';
import type { LogFolder } from './log-folder.ts';
import { WalCorruptError, WalReadError } from './wal-errors.ts';
import type { Lsn, WalEntry, WalRecord } from './wal-record.ts';
import type { WalCheckpoint, WalPoint } from './wal-checkpoint.ts';
import { createWhole, readWhole, withFile } from './whole-io.ts';

const checkpointPattern = /^checkpoint-([0-9a-f]{16})\.ckpt$/;
// Some 350 states of sagas, a millisecond or two: between two blocks the owner's other work goes on.
const blockBytes = 256 * 1024;

function checkpointName(lsn: Lsn): string {
  return `checkpoint-${lsn.toString(16).padStart(16, '0')}.ckpt`;
}

function checkpointPath(folder: LogFolder, lsn: Lsn): string {
  return `${folder.path}/${checkpointName(lsn)}`;
}

/** Positions of the checkpoints among the names of a folder, newest first. */
export function checkpointsAmong(names: readonly string[]): Lsn[] {
  return names
    .map((name) => checkpointPattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map((digits) => Number.parseInt(digits, 16))
    .sort((a, b) => b - a);
}

/** Writes a checkpoint and gives it its name once all of it is on the disk. */
export async function writeCheckpoint(
  folder: LogFolder,
  clock: Clock,
  point: WalPoint,
  entries: Iterable<WalEntry>,
): Promise<WalCheckpoint> {
  const { lsn } = point;
  const createdAt = clock.now();
  const head: BlockFileHead = { ...point, journalId: folder.journalId, fromLsn: 0, createdAt };
  let written = { records: 0, bytes: 0 };
  await createWhole(folder.files, folder.path, checkpointName(lsn), async (file) => {
    const writer = new BlockFileWriter(file, blockBytes);
    await writer.begin('checkpoint', head);
    for (const entry of entries) {
      writer.addRecord(entry);
      if (writer.isFull) await writer.endBlock();
    }
    await writer.finish();
    written = { records: writer.records, bytes: writer.offset };
  });
  return { file: checkpointPath(folder, lsn), lsn, createdAt, ...written };
}

/** Reads a checkpoint from its beginning to its end before anything of it is believed. */
export async function verifyCheckpoint(folder: LogFolder, lsn: Lsn): Promise<BlockFileHead> {
  const path = checkpointPath(folder, lsn);
  return withFile(folder.files.open(path, 'read'), async (file) => {
    const reader = await BlockFileReader.on(file, path);
    const head = await reader.verify('checkpoint', folder.journalId);
    if (head.lsn !== lsn) throw reader.corrupt(`it is of position ${head.lsn}`, 0);
    return head;
  });
}

/** The newest checkpoint that is whole. Those that are not are told to `onDamaged` and left where they are. */
export async function findCheckpoint(
  folder: LogFolder,
  lsns: readonly Lsn[],
  onDamaged: (file: string, error: WalCorruptError | WalReadError) => void,
): Promise<BlockFileHead | undefined> {
  for (const lsn of lsns) {
    try {
      return await verifyCheckpoint(folder, lsn);
    } catch (error) {
      if (!(error instanceof WalCorruptError || error instanceof WalReadError)) throw error;
      onDamaged(checkpointPath(folder, lsn), error);
    }
  }
  return undefined;
}

/** Gives out the records of a checkpoint that was found whole. */
export async function readCheckpoint(
  folder: LogFolder,
  head: BlockFileHead,
  onRecord: ((record: WalRecord) => void) | undefined,
): Promise<WalCheckpoint> {
  const path = checkpointPath(folder, head.lsn);
  return withFile(folder.files.open(path, 'read'), async (file) => {
    const reader = await BlockFileReader.on(file, path);
    const { records } = await reader.trailer();
    for await (const block of onRecord === undefined ? [] : reader.blocks())
      for (const record of reader.records(block)) onRecord?.(record);
    return { file: path, lsn: head.lsn, createdAt: head.createdAt, records, bytes: await file.size() };
  });
}

/**
 * Refuses a checkpoint that the log does not lead to: the batch it was made behind is not there, so that what it stands
 * for is not this log any more.
 */
export async function checkFollowsLog(folder: LogFolder, head: BlockFileHead): Promise<void> {
  if (head.lastFrameLsn === 0) return;
  const seq = folder.seqOf(head.lastFrameLsn);
  const offset = folder.offsetOf(head.lastFrameLsn);
  const salt = folder.segments.get(seq)?.salt;
  if (salt === undefined)
    throw folder.corrupt(`segment ${seq} is missing, behind which checkpoint ${head.lsn} was made`, seq, 0);
  const frame = new FrameBuffer(batchHeaderBytes);
  const path = folder.segmentPath(seq);
  await withFile(folder.files.open(path, 'read'), (file) =>
    readWhole(file, path, frame.bytes, 0, batchHeaderBytes, offset),
  );
  const batch = decodeBatchHeader(frame, 0);
  if (batch !== undefined && belongsAt(batch, head.lastFrameLsn, salt)) {
    if (batch.crc === head.previousCrc && endOf(folder, batch) === head.lsn) return;
  }
  const what = `checkpoint ${head.lsn} was made behind a batch there, and it is not there any more`;
  throw folder.corrupt(what, seq, offset);
}

function endOf(folder: LogFolder, batch: BatchHeader): Lsn {
  if (batch.kind === batchKinds.segmentEnd) return folder.firstLsn(folder.seqOf(batch.lsn) + 1);
  return batch.lsn + batchHeaderBytes + batch.bodyBytes;
}

export async function removeCheckpoints(folder: LogFolder, lsns: readonly Lsn[]): Promise<void> {
  for (const lsn of lsns) await folder.files.remove(checkpointPath(folder, lsn));
  if (lsns.length > 0) await folder.files.syncDirectory(folder.path);
}
