import { notify } from '../ports/notify.ts';
import type { BlockFileHead } from './block-file.ts';
import { checkFollowsLog, checkpointsAmong, findCheckpoint, readCheckpoint } from './checkpoint.ts';
import { CheckpointKeeper } from './checkpoint-keeper.ts';
import { assertLittleEndian } from './frame-buffer.ts';
import { GroupCommit } from './group-commit.ts';
import { type FoundLog, type LogFolder, openLogFolder } from './log-folder.ts';
import { LogReader } from './log-reader.ts';
import { LogWriter } from './log-writer.ts';
import { scanLog, type ScannedLog } from './recovery.ts';
import { SegmentedWal, type Wal } from './segmented-wal.ts';
import { repairTail } from './tail-repair.ts';
import type { WalCheckpoint } from './wal-checkpoint.ts';
import { type ResolvedWalOptions, resolveWalOptions, type WalOptions } from './wal-options.ts';
import { WalReadError } from './wal-errors.ts';
import type { WalRecovery } from './wal-recovery.ts';
import type { Lsn } from './wal-record.ts';

interface ReadLog {
  readonly scanned: ScannedLog;
  readonly checkpoint: WalCheckpoint | undefined;
  /** The checkpoints that were not found damaged, newest first. */
  readonly checkpoints: readonly Lsn[];
  readonly damaged: readonly Lsn[];
}

/** A checkpoint that opening could not begin at, and why. */
interface UnusableCheckpoint {
  readonly file: string;
  readonly error: unknown;
}

/** Reads the newest whole checkpoint and what stands behind it, or all there is. */
async function readLog({ folder, names, seqs }: FoundLog, options: ResolvedWalOptions): Promise<ReadLog> {
  const lsns = checkpointsAmong(names);
  const damaged: UnusableCheckpoint[] = [];
  const head = await findCheckpoint(folder, lsns, (file, error) => {
    damaged.push({ file, error });
    notify(options.observer, { type: 'wal.checkpoint-damaged', path: folder.path, file, error });
  });
  await folder.readSegmentHeaders(seqs, neededSeq(folder, seqs, head, damaged));
  const checkpoint = head === undefined ? undefined : await takeCheckpoint(folder, head, options);
  const from = head ?? { lsn: folder.firstLsn(0), lastFrameLsn: 0, previousCrc: 0 };
  const scanned = await scanLog(folder, from, options.onRecord);
  return { scanned, checkpoint, checkpoints: lsns.slice(damaged.length), damaged: lsns.slice(0, damaged.length) };
}

/** The segment at which reading has to begin. */
function neededSeq(
  folder: LogFolder,
  seqs: readonly number[],
  head: BlockFileHead | undefined,
  damaged: readonly UnusableCheckpoint[],
): number {
  if (head !== undefined) return folder.seqOf(head.lastFrameLsn);
  const [first = 0] = seqs;
  if (first === 0 || damaged.length === 0) return 0;
  // What the disk does not give now it may give the next time: that is not damage yet.
  const unread = damaged.find(({ error }) => error instanceof WalReadError);
  if (unread !== undefined) throw unread.error;
  const files = damaged.map(({ file }) => file).join(', ');
  const what = `segment 0 is missing, and no checkpoint that would stand for it can be read: ${files}`;
  throw folder.corrupt(what, 0, 0, folder.firstLsn(first));
}

async function takeCheckpoint(
  folder: LogFolder,
  head: BlockFileHead,
  options: ResolvedWalOptions,
): Promise<WalCheckpoint> {
  await checkFollowsLog(folder, head);
  return readCheckpoint(folder, head, options.onCheckpoint);
}

/** Reads what is there, mends its end, and makes it ready to be written. */
async function startWal(found: FoundLog, options: ResolvedWalOptions, releaseLock: () => Promise<void>): Promise<Wal> {
  const { folder } = found;
  const { observer, clock } = options;
  const { path } = folder;
  const startedMs = clock.monotonicMs();
  const { scanned, checkpoint, checkpoints, damaged } = await readLog(found, options);
  const tornTail = await repairTail(folder, scanned);
  const writer = new LogWriter(folder, clock, scanned, observer);
  try {
    await writer.writeDurableMark();
  } catch (error) {
    await writer.close();
    throw error;
  }
  const recovered: WalRecovery = {
    bytes: scanned.bytes,
    records: scanned.records,
    segments: folder.segments.size,
    clean: scanned.sealed || scanned.lastFrameLsn === 0,
    checkpoint,
    tornTail,
    durationMs: clock.monotonicMs() - startedMs,
  };
  if (tornTail !== undefined) notify(observer, { type: 'wal.torn-tail', path, ...tornTail });
  notify(observer, { type: 'wal.recovered', path, ...recovered });
  const commit = new GroupCommit(path, writer, clock, options.flush, scanned.lastFrameLsn, (error) =>
    notify(observer, { type: 'wal.failed', path, error }),
  );
  const reader = new LogReader(folder, () => commit.durableLsn);
  const keeper = new CheckpointKeeper(folder, options, checkpoints, damaged);
  return new SegmentedWal({ path, recovered, commit, writer, reader, keeper, releaseLock });
}

/**
 * Opens the write-ahead log in a folder, which is made when it is not there, and reads it once: from
 * its newest whole checkpoint, or from its beginning.
 *
 * A write that a crash cut short is reported in `recovered.tornTail`, put aside and cleared. Anything else that is not
 * as it was written is an error, and then nothing on the disk is changed.
 *
 * @param path the folder; one opener at a time, of all processes.
 * @param options.segmentBytes size of a segment of a new log, in bytes. Default 64 MiB.
 * @param options.onRecord is given every record in order meanwhile. Default nobody.
 * @param options.onCheckpoint is given the records of the checkpoint before. Default nobody.
 * @returns the log, to be closed: `await using wal = await openWal(path)`.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when bytes that were durable are not what was written.
 * @throws {WalReadError} when the disk refuses to give bytes back.
 * @throws {RangeError} when an option is out of its bounds.
 * @example
 * const { mkdtemp } = await import('node:fs/promises');
 * await using wal = await openWal(await mkdtemp('/tmp/makegood-'), { segmentBytes: 65_536 });
 * const lsn = await wal.append([{ kind: 1, state: 0, timestamp: 0, txId: 'order-1', stepId: '', payload: 'durable' }]);
 * new TextDecoder().decode((await wal.readAt(lsn)).payload) // => 'durable'
 */
export async function openWal(path: string, options: WalOptions = {}): Promise<Wal> {
  assertLittleEndian();
  const resolved = resolveWalOptions(options);
  const { files } = resolved;
  await files.makeDirectory(path);
  const lock = await files.lock(`${path}/LOCK`);
  try {
    return await startWal(await openLogFolder(path, resolved), resolved, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}
