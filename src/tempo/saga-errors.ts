import { MakegoodError, type MakegoodErrorCode } from '../errors.ts';
import type { UnreadableSaga } from '../journal/unreadable-saga.ts';
import type { Failure } from '../saga/failure.ts';

function because(failure: Failure | undefined): string {
  if (failure === undefined) return '';
  const where = failure.step === undefined ? '' : `step "${failure.step}" failed: `;
  return `: ${where}${failure.message} (${failure.code})`;
}

/** What all errors of a saga's end tell. */
abstract class SagaEndError extends MakegoodError {
  readonly sagaId: string;
  /** What made the saga turn round, or stop. */
  readonly failure: Failure | undefined;

  constructor(code: MakegoodErrorCode, sagaId: string, what: string, failure: Failure | undefined) {
    super(code, `saga "${sagaId}" ${what}${because(failure)}`);
    this.sagaId = sagaId;
    this.failure = failure;
  }
}

/** The saga failed and everything it had done is undone. */
export class SagaCompensatedError extends SagaEndError {
  /** `failed`, `attempts-exhausted`, `deadline` or `cancel`. */
  readonly reason: string;

  constructor(sagaId: string, reason: string, failure: Failure | undefined) {
    super('MAKEGOOD_SAGA_COMPENSATED', sagaId, 'was undone', failure);
    this.reason = reason;
  }
}

/** Automation has given up on the saga; it stands in the human queue and is neither done nor undone. */
export class SagaNeedsHumanError extends SagaEndError {
  constructor(sagaId: string, failure: Failure | undefined) {
    super('MAKEGOOD_SAGA_NEEDS_HUMAN', sagaId, 'needs a person', failure);
  }
}

/** The saga was terminated: it stands as it stood, and nothing was undone. */
export class SagaTerminatedError extends SagaEndError {
  /** What whoever terminated it said. */
  readonly reason: string | undefined;

  constructor(sagaId: string, reason: string | undefined, failure: Failure | undefined) {
    super('MAKEGOOD_SAGA_TERMINATED', sagaId, `was terminated${reason === undefined ? '' : ` (${reason})`}`, failure);
    this.reason = reason;
  }
}

/** The reason that the signals of a saga's running actions abort with when it is cancelled or terminated. */
export class SagaCancelledError extends MakegoodError {
  readonly sagaId: string;
  /** What whoever cancelled it said. */
  readonly reason: string | undefined;

  constructor(sagaId: string, reason: string | undefined) {
    super('MAKEGOOD_SAGA_CANCELLED', `saga "${sagaId}" was cancelled${reason === undefined ? '' : `: ${reason}`}`);
    this.sagaId = sagaId;
    this.reason = reason;
  }
}

/** A record of the saga cannot be read: it is left alone, and nothing can be asked of it. */
export class SagaUnreadableError extends MakegoodError {
  readonly sagaId: string;
  /** The first of its records that cannot be read. */
  readonly seq: number;
  /** Where that stands, and why it cannot be read. */
  readonly reason: string;

  constructor(sagaId: string, { damage: { seq, why }, where }: UnreadableSaga) {
    const reason = `record ${seq} at ${where} cannot be read: ${why}`;
    super(
      'MAKEGOOD_SAGA_UNREADABLE',
      `saga "${sagaId}" is blocked: its ${reason}; open it with the version that wrote it; nothing was changed`,
    );
    this.sagaId = sagaId;
    this.seq = seq;
    this.reason = reason;
  }
}

/** The saga's definition is not registered here, so that it can be neither cancelled nor signalled. */
export class SagaBlockedError extends MakegoodError {
  readonly sagaId: string;

  constructor(sagaId: string, definition: string) {
    const what = `saga "${sagaId}" is blocked: its definition "${definition}", as it was started, is not registered here`;
    super('MAKEGOOD_SAGA_BLOCKED', `${what}; register it, migrate the saga, or terminate it`);
    this.sagaId = sagaId;
  }
}

/** A definition lacks steps that unfinished sagas of its name and version were started with. */
export class SagaStrandedError extends MakegoodError {
  /** The sagas that could not go on; at most ten. */
  readonly sagaIds: readonly string[];

  constructor(definition: string, step: string, sagaIds: readonly string[], count: number) {
    const what = `definition "${definition}" has no step "${step}", which ${count} unfinished saga(s) need`;
    const todo = 'register the new structure under a new version beside the old one, or say stranded: "block"';
    super('MAKEGOOD_SAGA_STRANDED', `${what} (${sagaIds.join(', ')}); ${todo}`);
    this.sagaIds = sagaIds;
  }
}

/** A saga with this id exists and was started with another name, version or input. */
export class SagaConflictError extends MakegoodError {
  readonly sagaId: string;

  constructor(sagaId: string, what: string) {
    super('MAKEGOOD_SAGA_CONFLICT', `saga "${sagaId}" exists with another ${what}; use a new id for a new request`);
    this.sagaId = sagaId;
  }
}

/** The input of a saga, or the payload of a signal, does not satisfy its schema; nothing was stored and nothing called. */
export class SagaInputError extends MakegoodError {
  /** What the validator found, each with the path to the place. */
  readonly issues: readonly { readonly message: string; readonly path: string }[];

  constructor(what: string, issues: readonly { readonly message: string; readonly path: string }[]) {
    const shown = issues.slice(0, 5).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    super('MAKEGOOD_SAGA_INPUT', `${what} is invalid: ${shown.join('; ')}`);
    this.issues = issues;
  }
}

/** Tempo takes no new work: it drains, or it is closed. What was accepted goes on when it is opened again. */
export class TempoClosedError extends MakegoodError {
  constructor(what: string) {
    super(
      'MAKEGOOD_TEMPO_CLOSED',
      `${what}: this coordinator is closing; accepted sagas go on when it is opened again`,
    );
  }
}
