import { archivesAmong, archiveName } from '../../journal/archive.ts';
import type { Files } from '../../ports/files.ts';
import { segmentHeaderBytes } from '../../wal/segment-header.ts';
import type { Lsn } from '../../wal/wal-record.ts';
import {
  type ArchiveAuditOptions,
  type ArchiveDamage,
  auditArchive,
  type AuditedArchive,
  stretchOf,
} from './archive-audit.ts';
import type { LogAudit } from './audit-facts.ts';

/** The archives beside a log, oldest first, and what is wrong with them or with their row. */
export interface ArchiveAudit {
  readonly archives: readonly AuditedArchive[];
  readonly damages: readonly ArchiveDamage[];
}

/** Where a log keeps its archives. */
export function archiveFolder(path: string): string {
  return `${path}/archive`;
}

/** Names of the archives of a log, oldest first, without those for which another stands in. */
export async function listArchives(files: Files, path: string): Promise<readonly string[]> {
  const folder = archiveFolder(path);
  return (await files.exists(folder)) ? archivesAmong(await files.list(folder)).current : [];
}

/** Reads each that is listed; a writer may put a purged one in the place of another meanwhile. */
async function readAll(path: string, options: Omit<ArchiveAuditOptions, 'folder'>): Promise<AuditedArchive[]> {
  const found = new Map<string, AuditedArchive>();
  for (;;) {
    const names = await listArchives(options.files, path);
    const unread = names.filter((name) => !found.has(name));
    if (unread.length === 0) return names.flatMap((name) => found.get(name) ?? []);
    for (const name of unread) {
      const archive = await auditArchive(name, { ...options, folder: archiveFolder(path) });
      if (archive !== undefined) found.set(name, archive);
    }
  }
}

function missing(path: string, from: Lsn, to: Lsn): ArchiveDamage {
  const file = `${archiveFolder(path)}/${archiveName(from, to, false)}`;
  const what = `it is missing, or those that were in its place: no archive holds positions ${from} to ${to}`;
  return { file, offset: 0, what, recordsBefore: 0, recordsAfter: 0, wholeFrom: undefined };
}

/** Gaps before archives, between them, and between the last of them and the log. */
function gapsOf(
  { listing, journal, checkpoints }: LogAudit,
  archives: readonly AuditedArchive[],
  namesBefore: readonly string[],
): ArchiveDamage[] {
  const gaps: ArchiveDamage[] = [];
  // The newest that is whole knows best: a purge has removed what an older one still had.
  const whole = checkpoints.filter(({ problem }) => problem === undefined).toSorted((a, b) => b.lsn - a.lsn);
  const archivedFrom = whole[0]?.archivedFrom ?? Infinity;
  let end = archives[0]?.from ?? 0;
  // And what a writer has removed since was there when the names were listed.
  const wasAt = namesBefore[0] === undefined ? end : stretchOf(namesBefore[0])[0];
  if (wasAt > archivedFrom) gaps.push(missing(listing.path, archivedFrom, wasAt));
  for (const { from, to } of archives) {
    if (from !== end) gaps.push(missing(listing.path, end, from));
    end = to;
  }
  const archivedTo = checkpoints.map((checkpoint) => checkpoint.archivedTo ?? -1);
  const wasArchivedTo = Math.max(-1, ...archivedTo);
  // A log of something else than sagas may have been cut off without an archive.
  const isOfSagas = archives.length > 0 || wasArchivedTo >= 0;
  const [first = 0] = listing.segments;
  const begin = first === 0 ? 0 : first * (journal?.segmentBytes ?? 0) + segmentHeaderBytes;
  const due = Math.max(begin, wasArchivedTo);
  if (isOfSagas && end < due) gaps.push(missing(listing.path, end, due));
  return gaps;
}

/**
 * Reads the archives of a log, whose own reading has ended: a writer archives before it cuts off.
 *
 * @param namesBefore what was there before that reading, all of which the log must have gone beyond.
 */
export async function auditArchives(
  audit: LogAudit,
  namesBefore: readonly string[],
  options: { readonly files: Files; readonly signal?: AbortSignal },
): Promise<ArchiveAudit> {
  const { listing, journal, end } = audit;
  if (journal === undefined) return { archives: [], damages: [] };
  const archives = await readAll(listing.path, { ...options, journalId: journal.journalId });
  const damages = [...archives.flatMap((archive) => archive.damages), ...gapsOf(audit, archives, namesBefore)];
  const beyond = namesBefore.find((name) => stretchOf(name)[1] > end.lsn);
  if (beyond !== undefined) {
    const what = `it ends at ${stretchOf(beyond)[1]}, and the log ends before it, at ${end.lsn}`;
    const records = archives.find(({ name }) => name === beyond)?.records ?? 0;
    const file = `${archiveFolder(listing.path)}/${beyond}`;
    damages.push({ file, offset: 0, what, recordsBefore: 0, recordsAfter: records, wholeFrom: undefined });
  }
  return { archives, damages };
}
