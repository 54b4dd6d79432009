import { type CheckpointHead, checkpointHeadOf } from '../../journal/journal-checkpoint.ts';
import type { Files } from '../../ports/files.ts';
import { BlockFileReader } from '../../wal/block-file-reader.ts';
import { checkpointsAmong } from '../../wal/checkpoint.ts';
import { WalCorruptError } from '../../wal/wal-errors.ts';
import type { Lsn, WalRecord } from '../../wal/wal-record.ts';
import { withFile } from '../../wal/whole-io.ts';

/** A checkpoint as it was found. */
export interface AuditedCheckpoint {
  readonly name: string;
  readonly file: string;
  readonly lsn: Lsn;
  readonly records: number;
  readonly bytes: number;
  readonly createdAt: number | undefined;
  /** The batch it was made behind, and that batch's checksum; position 0 for none. */
  readonly lastFrameLsn: Lsn;
  readonly previousCrc: number;
  /** Where the archive ended when it was made; `undefined` when no journal of sagas made it. */
  readonly archivedTo: Lsn | undefined;
  /** Where it began at the latest; `undefined` where nobody wrote it down. */
  readonly archivedFrom: Lsn | undefined;
  /** Where and why it cannot be used; nothing when all of it is whole. */
  readonly problem: { readonly offset: number; readonly what: string } | undefined;
}

const nothingKnown = {
  records: 0,
  bytes: 0,
  createdAt: undefined,
  lastFrameLsn: 0,
  previousCrc: 0,
  archivedTo: undefined,
  archivedFrom: undefined,
};

/** The part of a message that says what is wrong, without the advice around it. */
export function whatOf(error: WalCorruptError): string {
  return /at byte \d+: ([^;]*)/.exec(error.message)?.[1] ?? error.message;
}

/**
 * Reads a checkpoint with every checksum: head, blocks, each record, and the sum over all.
 *
 * @returns `undefined` when the file is gone: a writer removes the older ones.
 */
export async function auditCheckpoint(
  files: Files,
  folder: string,
  name: string,
  journalId: Uint8Array,
): Promise<AuditedCheckpoint | undefined> {
  const file = `${folder}/${name}`;
  const [lsn = Number.NaN] = checkpointsAmong([name]);
  const base = { name, file, lsn };
  if (Number.isNaN(lsn))
    return { ...base, ...nothingKnown, problem: { offset: 0, what: 'its name tells no position' } };
  try {
    return await withFile(files.open(file, 'read'), async (opened) => {
      const reader = await BlockFileReader.on(opened, file);
      const head = await reader.head('checkpoint', journalId);
      let records = 0;
      let of: CheckpointHead | undefined;
      for await (const block of reader.blocks())
        for (const record of reader.records(block)) if (records++ === 0) of = checkpointHeadOf(record);
      if (head.lsn !== lsn) throw reader.corrupt(`it is of position ${head.lsn}`, 0);
      const { createdAt, lastFrameLsn, previousCrc } = head;
      const bytes = await opened.size();
      const archived = { archivedTo: of?.archivedTo, archivedFrom: of?.archivedFrom };
      return { ...base, records, bytes, createdAt, lastFrameLsn, previousCrc, ...archived, problem: undefined };
    });
  } catch (error) {
    if (error instanceof WalCorruptError)
      return { ...base, ...nothingKnown, problem: { offset: error.offset, what: whatOf(error) } };
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The records of a checkpoint that was found whole. */
export async function recordsOfCheckpoint(files: Files, { file }: AuditedCheckpoint): Promise<readonly WalRecord[]> {
  return withFile(files.open(file, 'read'), async (opened) => {
    const reader = await BlockFileReader.on(opened, file);
    const records: WalRecord[] = [];
    for await (const block of reader.blocks()) records.push(...reader.records(block));
    return records;
  });
}
