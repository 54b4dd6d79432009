import type { Files } from '../../ports/files.ts';
import { WalReadError } from '../../wal/wal-errors.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { AuditedSegment, AuditOptions, Damage, LogAudit, TornWrite } from './audit-facts.ts';
import { type AuditedCheckpoint, recordsOfCheckpoint } from './checkpoint-audit.ts';
import { type LockState, lockState } from './lock-holder.ts';
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
  readonly archive: boolean;
  readonly aside: readonly string[];
  readonly unfinished: readonly string[];
  readonly foreign: readonly string[];
  readonly damages: readonly Damage[];
  /** An unfinished write at the end. While a writer holds the lock, it is one that is going on. */
  readonly torn: TornWrite | undefined;
  readonly sagas: SagaFigures;
}

/** Reads with an audit, and turns what the disk refuses into an exit status of its own. */
export async function auditOrRefuse(path: string, options: AuditOptions): Promise<LogAudit> {
  try {
    return await auditLog(path, options);
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
  const audit = await auditOrRefuse(path, {
    ...options,
    onRecord: (record) => sagas.take(record),
    onTrimmed: async (checkpoint) =>
      sagas.restore(await recordsOfCheckpoint(options.files, checkpoint), checkpoint.lsn),
    onDamage: () => sagas.expectGaps(),
  });
  const { listing, journal, segments, checkpoints, damages, torn, end, batches, records } = audit;
  const figures = sagas.figures();
  const { archive, aside, unfinished, foreign } = listing;
  return {
    path,
    verdict: damages.length > 0 || figures.unfit.length > 0 ? 'damaged' : 'good',
    lock: await lockState(path),
    journalId: journal === undefined ? undefined : hexOf(journal.journalId),
    createdAt: journal === undefined || Number.isNaN(journal.createdAt) ? undefined : journal.createdAt,
    segmentBytes: journal?.segmentBytes,
    end,
    batches,
    records,
    segments,
    checkpoints,
    archive,
    aside,
    unfinished,
    foreign,
    damages,
    torn,
    sagas: figures,
  };
}
