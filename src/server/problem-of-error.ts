import { isMakegoodError } from '../errors.ts';
import { type Problem, ProblemError, type ProblemCode, problemOf } from '../wire/problem.ts';

const codes: Readonly<Record<string, ProblemCode>> = {
  MAKEGOOD_SAGA_NOT_FOUND: 'saga-not-found',
  MAKEGOOD_SAGA_CONFLICT: 'saga-conflict',
  MAKEGOOD_SAGA_ENDED: 'saga-ended',
  MAKEGOOD_SAGA_BLOCKED: 'saga-blocked',
  MAKEGOOD_SAGA_PURGED: 'saga-purged',
  MAKEGOOD_SAGA_UNREADABLE: 'saga-unreadable',
  MAKEGOOD_RECORD_UNREADABLE: 'saga-unreadable',
  MAKEGOOD_DELETION_REFUSED: 'saga-archived',
  MAKEGOOD_SAGA_INPUT: 'invalid-input',
  MAKEGOOD_PAST_PIVOT: 'past-pivot',
  MAKEGOOD_NOT_WAITING: 'not-waiting',
  MAKEGOOD_SIGNAL_REFUSED: 'signal-refused',
  MAKEGOOD_RESTART_REFUSED: 'restart-refused',
  MAKEGOOD_RENEWAL_REFUSED: 'renewal-refused',
  MAKEGOOD_EGRESS_REFUSED: 'egress-refused',
  MAKEGOOD_TEMPO_CLOSED: 'shutting-down',
  MAKEGOOD_JOURNAL_CLOSED: 'shutting-down',
  MAKEGOOD_WAL_CLOSED: 'shutting-down',
  MAKEGOOD_JOURNAL_FULL: 'log-full',
  MAKEGOOD_WAL_OVERLOADED: 'overloaded',
  MAKEGOOD_STALE_EPOCH: 'log-unavailable',
};

/** Codes of errors that say that the log does not take records, or cannot be read. */
const ofTheLog = /^MAKEGOOD_(?:WAL|JOURNAL|APPEND|RECORD|POSTGRES|SHARD)_/;

/**
 * The problem that an error is to whoever asked; `undefined` when it is none of the caller's business, but a mistake of ours.
 */
export function problemOfError(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (!isMakegoodError(error)) return undefined;
  const code = codes[error.code] ?? (ofTheLog.test(error.code) ? 'log-unavailable' : undefined);
  if (code === undefined) return undefined;
  // What is wrong with the disk, and where its folder is, is for the log of the server.
  if (code === 'log-unavailable' || code === 'log-full') {
    return problemOf(code, 'the log takes no records now; nothing was stored and nothing was called');
  }
  const issues = (error as { readonly issues?: Problem['errors'] }).issues;
  return problemOf(code, error.message, issues === undefined ? {} : { errors: issues });
}
