import type { Files } from '../../ports/files.ts';
import { WalReadError } from '../../wal/wal-errors.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { ArchiveDamage, AuditedArchive } from './archive-audit.ts';
import { type ArchiveAudit, auditArchives, listArchives } from './archive-row.ts';
import type { AuditedSegment, AuditOptions, Damage, LogAudit, TornWrite } from './audit-facts.ts';
import { type AuditedCheckpoint, recordsOfCheckpoint } from './checkpoint-audit.ts';
import { type LockState, lockState } from './lock-holder.ts';
import { listLog } from './log-listing.ts';
import { auditLog } from './log-audit.ts';
import { type SagaFigures, SagaSurvey } from './saga-survey.ts';

/** `good`: it opens, and nothing durable is missing. `damaged`: something durable is not what was written. */
export type Verdict = 'good' | 'damaged';

/** Everything `inspect` and `verify` tell; their JSON document. Times are milliseconds since 1970. */
export interface LogReport {
  readonly path: string;
  readonly verdict: Verdict;
  readonly lock: LockState;
  /** Absent when JOURNAL is damaged. */
  readonly journalId: string | undefined;
  readonly createdAt: number | undefined;
  readonly segmentBytes: number | undefined;
  readonly end: LogAudit['end'];
  readonly batches: number;
  readonly records: number;
  readonly segments: readonly AuditedSegment[];
  readonly checkpoints: readonly AuditedCheckpoint[];
  readonly archives: readonly AuditedArchive[];
  /** Whether a segment lies in reserve, for when the disk has no room. */
  readonly reserve: boolean;
  readonly aside: readonly string[];
  readonly unfinished: readonly string[];
  readonly foreign: readonly string[];
  readonly damages: readonly Damage[];
  readonly archiveDamages: readonly ArchiveDamage[];
  /** An unfinished write at the end. While a writer holds the lock, it is one that is going on. */
  readonly torn: TornWrite | undefined;
  readonly sagas: SagaFigures;
}

/** Reads a log, and turns what the disk refuses into an exit status of its own. */
export function auditOrRefuse(path: string, options: AuditOptions): Promise<LogAudit> {
  return orRefuse(() => auditLog(path, options));
}

/** Reads a log and its archives, as {@link auditOrRefuse}. */
export function auditWithArchives(
  path: string,
  options: AuditOptions,
): Promise<{ readonly audit: LogAudit; readonly archived: ArchiveAudit }> {
  return orRefuse(async () => {
    const { path: folder } = await listLog(options.files, path);
    const names = await listArchives(options.files, folder);
    const audit = await auditLog(path, options);
    return { audit, archived: await auditArchives(audit, names, options) };
  });
}

async function orRefuse<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const isRefused = error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
    if (!isRefused && !(error instanceof WalReadError)) throw error;
    throw new CommandError((error as Error).message, exitCodes.unreachable, { cause: error });
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Reads a log from end to end and reports on it; changes nothing, takes no lock.
 *
 * @throws {CommandError} when there is no log, or it cannot be read at all.
 */
export async function surveyLog(
  path: string,
  options: {
    readonly files: Files;
    readonly signal?: AbortSignal;
    readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  },
): Promise<LogReport> {
  const sagas = new SagaSurvey();
  const { audit, archived } = await auditWithArchives(path, {
    ...options,
    onRecord: (record) => sagas.take(record),
    onTrimmed: async (checkpoint) =>
      sagas.restore(await recordsOfCheckpoint(options.files, checkpoint), checkpoint.lsn),
    onDamage: () => sagas.expectGaps(),
  });
  const { listing, journal, segments, checkpoints, damages, torn, end, batches, records } = audit;
  const figures = sagas.figures();
  const { reserve, aside, unfinished, foreign } = listing;
  return {
    path,
    verdict: damages.length > 0 || archived.damages.length > 0 || figures.unfit.length > 0 ? 'damaged' : 'good',
    lock: await lockState(path),
    journalId: journal === undefined ? undefined : hexOf(journal.journalId),
    createdAt: journal === undefined || Number.isNaN(journal.createdAt) ? undefined : journal.createdAt,
    segmentBytes: journal?.segmentBytes,
    end,
    batches,
    records,
    segments,
    checkpoints,
    archives: archived.archives,
    reserve,
    aside,
    unfinished,
    foreign,
    damages,
    archiveDamages: archived.damages,
    torn,
    sagas: figures,
  };
}
