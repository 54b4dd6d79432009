import { ArchiveFile } from '../../journal/archive-file.ts';
import { hashOf } from '../../journal/id-hash.ts';
import type { Files } from '../../ports/files.ts';
import { segmentHeaderBytes } from '../../wal/segment-header.ts';
import { WalCorruptError } from '../../wal/wal-errors.ts';
import type { WalRecord } from '../../wal/wal-record.ts';
import { type ArchiveDamage, auditArchive, stretchOf } from './archive-audit.ts';
import { archiveFolder, listArchives } from './archive-row.ts';
import { listLog, readJournalFile } from './log-listing.ts';

/** Options of `readArchived`. */
interface ReadArchivedOptions {
  readonly files: Files;
  readonly signal?: AbortSignal;
  /** Of whom, when it is not all. */
  readonly saga: string | undefined;
  readonly onRecord: (record: WalRecord) => void;
  readonly onBatch: () => Promise<void>;
}

/**
 * Gives the archived records that the log has no more: of one saga by its index, in order; of all as the files have them,
 * stretch by stretch and sorted by saga within each. An archive that is damaged is read to its end all the same.
 *
 * @returns what is wrong with the archives that were read.
 */
export async function readArchived(path: string, options: ReadArchivedOptions): Promise<readonly ArchiveDamage[]> {
  const { files, saga } = options;
  const listing = await listLog(files, path);
  const journal = await readJournalFile(files, listing);
  if (typeof journal === 'string') return [];
  const { journalId, segmentBytes } = journal;
  const [firstSegment = 0] = listing.segments;
  const logBegin = firstSegment * segmentBytes + segmentHeaderBytes;
  const onRecord = (record: WalRecord): void => {
    if (record.lsn < logBegin && (saga === undefined || saga === record.txId)) options.onRecord(record);
  };
  const damages: ArchiveDamage[] = [];
  for (const name of await listArchives(files, path)) {
    if (stretchOf(name)[0] >= logBegin) break;
    const folder = archiveFolder(path);
    const records = saga === undefined ? undefined : await byIndex(files, `${folder}/${name}`, journalId, saga);
    records?.forEach(onRecord);
    if (records === undefined) {
      const audited = await auditArchive(name, { ...options, folder, journalId, onRecord, onBlock: options.onBatch });
      damages.push(...(audited?.damages ?? []));
    }
    await options.onBatch();
  }
  return damages;
}

/** The records of a saga, or `undefined` when what leads to them is damaged. */
async function byIndex(
  files: Files,
  path: string,
  journalId: Uint8Array,
  saga: string,
): Promise<readonly WalRecord[] | undefined> {
  try {
    const archive = await ArchiveFile.open(files, path, journalId);
    return await archive.history(saga, hashOf(saga));
  } catch (error) {
    if (error instanceof WalCorruptError) return undefined;
    throw error;
  }
}
