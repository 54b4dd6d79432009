import type { Files } from '../../ports/files.ts';
import { FrameBuffer } from '../../wal/frame-buffer.ts';
import { decodeJournalFile, type JournalFile, journalFileBytes } from '../../wal/segment-header.ts';
import { readWhole, withFile } from '../../wal/whole-io.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';

/** The names of a log's folder, by what they are. All are read, none is opened for writing. */
export interface LogListing {
  readonly path: string;
  /** Numbers of the segments that are there, ascending. */
  readonly segments: readonly number[];
  readonly checkpoints: readonly string[];
  /** Whether a segment lies in reserve. */
  readonly reserve: boolean;
  /** What an earlier repair put aside. */
  readonly aside: readonly string[];
  /** Files that were being made when their process ended. */
  readonly unfinished: readonly string[];
  readonly hasJournal: boolean;
  /** Names that are none of ours. */
  readonly foreign: readonly string[];
}

const segmentPattern = /^[0-9a-f]{16}\.seg$/;
const ours = /^(?:LOCK|LOCK\.holder|LOCK-journal|LOCK-wal|LOCK-shm|JOURNAL|RESERVE|archive)$/;

/** What a segment's file is called. */
export function segmentName(seq: number): string {
  return `${seq.toString(16).padStart(16, '0')}.seg`;
}

function isFolderTrouble(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function namesOf(files: Files, path: string): Promise<string[]> {
  try {
    return await files.list(path);
  } catch (error) {
    if (isFolderTrouble(error, 'ENOENT'))
      throw new CommandError(`"${path}" is not there`, exitCodes.notFound, { cause: error });
    if (isFolderTrouble(error, 'ENOTDIR'))
      throw new CommandError(`"${path}" is a file; name the folder of a log`, exitCodes.usage, { cause: error });
    throw new CommandError(`cannot read "${path}": ${(error as Error).message}`, exitCodes.unreachable, {
      cause: error,
    });
  }
}

/**
 * Lists the folder of a log.
 *
 * @throws {CommandError} when the path leads nowhere, to a file, or to a folder that holds no log.
 */
export async function listLog(files: Files, path: string): Promise<LogListing> {
  const names = (await namesOf(files, path)).toSorted();
  const segments = names.filter((name) => segmentPattern.test(name)).map((name) => Number.parseInt(name, 16));
  const hasJournal = names.includes('JOURNAL');
  if (!hasJournal && segments.length === 0)
    throw new CommandError(
      `no write-ahead log in "${path}": neither JOURNAL nor a segment is there`,
      exitCodes.notFound,
    );
  const checkpoints = names.filter((name) => /^checkpoint-.*\.ckpt$/.test(name));
  const aside = names.filter((name) => /^(?:torn|damaged)-.*\.(?:bin|seg|ckpt)$/.test(name));
  const unfinished = names.filter((name) => name.endsWith('.unfinished'));
  const known = new Set([...checkpoints, ...aside, ...unfinished]);
  const foreign = names.filter((name) => !known.has(name) && !ours.test(name) && !segmentPattern.test(name));
  const reserve = names.includes('RESERVE');
  return { path, segments, checkpoints, reserve, aside, unfinished, hasJournal, foreign };
}

/**
 * Reads JOURNAL, or says in words why it cannot be used.
 *
 * @throws {CommandError} when a newer version wrote it: nothing can be said of such a log.
 */
export async function readJournalFile(files: Files, listing: LogListing): Promise<JournalFile | string> {
  if (!listing.hasJournal) return 'it is missing';
  const path = `${listing.path}/JOURNAL`;
  return withFile(files.open(path, 'read'), async (file) => {
    const frame = new FrameBuffer(Math.min(await file.size(), 2 * journalFileBytes) & ~7);
    await readWhole(file, path, frame.bytes, 0, frame.bytes.length, 0);
    const journal = decodeJournalFile(frame);
    if (typeof journal === 'string' && journal.includes('format version'))
      throw new CommandError(`"${path}" cannot be read: ${journal}; use a newer makegood`, exitCodes.unreachable);
    return journal;
  });
}
