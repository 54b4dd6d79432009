import { isMakegoodError, MakegoodError, type MakegoodErrorCode } from '../errors.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import type { SagaStatus } from '../saga/status.ts';
import type { UnreadableSaga } from './unreadable-saga.ts';

/**
 * Where an append landed: grows with every append, survives a restart. The appends of several records are so far apart
 * that each record has a place of its own: the position, and one more for each record behind the first.
 */
export type Position = number;

/** What an append must find, so that two writers cannot both succeed. */
export interface AppendCondition {
  /** The writer's epoch; refused when a later one has opened the journal. */
  readonly epoch: number;
  /** `seq` of the saga's last record so far; 0 for a new saga. */
  readonly expectedSeq: number;
  /** A new saga may take the id of one that finished and was purged. Default no: such an id is taken for good. */
  readonly allowReuse?: boolean | undefined;
  /**
   * The saga's state after the records, for whoever has it anyhow; it must be what they fold to. Default: the journal
   * folds them itself, where it needs to.
   */
  readonly state?: SagaState | undefined;
  /** In a shared journal: what of that which others have asked is carried out by these records, and so only once. */
  readonly asked?: readonly string[] | undefined;
}

/** A record, and where it stands: the position of its append, and its place behind that. Grows with every record. */
export interface PlacedRecord {
  readonly position: Position;
  readonly sagaId: string;
  readonly record: SagaRecord;
}

/** One line of a list of sagas. Times are milliseconds since 1970. */
export interface SagaSummary {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly status: SagaStatus;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Which sagas to list. */
export interface SagaFilter {
  readonly status?: SagaStatus | undefined;
  readonly name?: string | undefined;
  /** Only sagas whose ids begin with this. */
  readonly idPrefix?: string | undefined;
  /** Only sagas created at this time or later, ms since 1970. */
  readonly since?: number | undefined;
  /** Only sagas created before this time, ms since 1970. */
  readonly before?: number | undefined;
  /** At most this many, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** A part of a list, newest first. */
export interface SagaPage {
  readonly items: readonly SagaSummary[];
  /** Present when there is more. */
  readonly nextCursor?: string;
}

/**
 * Saga records kept durable and readable.
 *
 * An implementer keeps: `append` resolves only after all the records are durable, keeps all of them or none, and leaves
 * the journal as it was when it rejects with {@link AppendConflictError}; records of one saga are read back in the order
 * of their `seq`, without a gap; once an append has failed for another reason, no later one succeeds until the journal
 * is opened anew.
 */
export interface Journal {
  /** The epoch of this opening: one more than any in the journal. */
  readonly epoch: number;
  /**
   * The sagas that were unfinished when the journal was opened, each folded from its records; to be read once, before
   * the first append.
   */
  open(): AsyncIterable<SagaState>;
  /**
   * The unfinished sagas that `open` leaves out because a record of theirs cannot be read; all of them once that was read to
   * its end. Nothing is appended to one, and its records stay as they are.
   */
  readonly unreadable: readonly UnreadableSaga[];
  append(sagaId: string, records: readonly SagaRecord[], condition: AppendCondition): Promise<Position>;
  /** All records of a saga in order; empty when there is no such saga. */
  read(sagaId: string): Promise<readonly SagaRecord[]>;
  /** As `read`, with the place of each record. */
  history(sagaId: string): Promise<readonly PlacedRecord[]>;
  /**
   * The durable records of all sagas behind a position, in the order they were written; ends at the newest. What is so old
   * that it has left the log is left out: a saga's own history stays whole.
   *
   * @param position of a record that was read before, or -1 for the beginning.
   */
  after(position: Position): AsyncIterable<PlacedRecord>;
  /** The state of a saga after its last durable record; `undefined` when there is no such saga. */
  state(sagaId: string): Promise<SagaState | undefined>;
  list(filter?: SagaFilter): Promise<SagaPage>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Thrown when an append does not follow what the journal holds: another writer was there first. */
export class AppendConflictError extends MakegoodError {
  readonly sagaId: string;
  readonly expectedSeq: number;
  readonly actualSeq: number;

  constructor(sagaId: string, expectedSeq: number, actualSeq: number) {
    const what = `expected its last record to be ${expectedSeq}, the journal has ${actualSeq}`;
    super('MAKEGOOD_APPEND_CONFLICT', `append to saga "${sagaId}" refused: ${what}; another writer was there first`);
    this.sagaId = sagaId;
    this.expectedSeq = expectedSeq;
    this.actualSeq = actualSeq;
  }
}

/** Thrown for a new saga while the disk has no room to promise it an end; those that run go on in a reserve. */
export class JournalFullError extends MakegoodError {
  /** The folder of the journal. */
  readonly path: string;

  constructor(path: string) {
    super(
      'MAKEGOOD_JOURNAL_FULL',
      `the disk of journal "${path}" is full: no new sagas are taken, running ones go on in a reserve; make room, and it is normal again by itself`,
    );
    this.path = path;
  }
}

/** Thrown for a saga that finished so long ago that all but its id is gone: the id is taken for good. */
export class SagaPurgedError extends MakegoodError {
  readonly sagaId: string;
  /** Milliseconds since 1970. */
  readonly finishedAt: number;

  constructor(sagaId: string, finishedAt: number) {
    super(
      'MAKEGOOD_SAGA_PURGED',
      `saga "${sagaId}" finished long ago and was purged; use a new id for a new request, or say allowReuse`,
    );
    this.sagaId = sagaId;
    this.finishedAt = finishedAt;
  }
}

// An archive that cannot be read, to see whether an id is taken, says nothing about the log that running sagas write to.
const refusals: readonly MakegoodErrorCode[] = [
  'MAKEGOOD_APPEND_CONFLICT',
  'MAKEGOOD_SAGA_PURGED',
  'MAKEGOOD_JOURNAL_FULL',
  'MAKEGOOD_WAL_OVERLOADED',
  'MAKEGOOD_WAL_READ_FAILED',
  'MAKEGOOD_WAL_CORRUPT',
];

/**
 * Whether an append of a saga's first records was refused for a reason that concerns this saga alone: nothing was stored,
 * and the journal goes on.
 *
 * @internal
 */
export function isRefusedStart(error: unknown): boolean {
  return refusals.some((code) => isMakegoodError(error, code));
}

/** Thrown when a coordinator writes that has been replaced by a later opening of the journal. */
export class StaleEpochError extends MakegoodError {
  readonly epoch: number;
  readonly currentEpoch: number;

  constructor(epoch: number, currentEpoch: number) {
    super('MAKEGOOD_STALE_EPOCH', `append with epoch ${epoch} refused: epoch ${currentEpoch} has taken over`);
    this.epoch = epoch;
    this.currentEpoch = currentEpoch;
  }
}

/** Thrown by every use of a journal after `close`. */
export class JournalClosedError extends MakegoodError {
  constructor() {
    super('MAKEGOOD_JOURNAL_CLOSED', 'the journal is closed; open it anew to use it');
  }
}
