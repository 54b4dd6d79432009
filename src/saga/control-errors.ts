import { MakegoodError, type MakegoodErrorCode } from '../errors.ts';

/** What all refusals of a control command tell. */
abstract class ControlRefusedError extends MakegoodError {
  readonly sagaId: string;

  constructor(code: MakegoodErrorCode, sagaId: string, message: string) {
    super(code, message);
    this.sagaId = sagaId;
  }
}

/** There is no saga with this id. */
export class SagaNotFoundError extends ControlRefusedError {
  constructor(sagaId: string) {
    super('MAKEGOOD_SAGA_NOT_FOUND', sagaId, `there is no saga "${sagaId}"; nothing was changed`);
  }
}

/** The saga has ended; nothing can be asked of it any more. */
export class SagaEndedError extends ControlRefusedError {
  constructor(sagaId: string, status: string) {
    super('MAKEGOOD_SAGA_ENDED', sagaId, `saga "${sagaId}" has ended: it is ${status}; nothing was changed`);
  }
}

/** The saga's point of no return is, or may be, behind it: it can only go forward. */
export class PastPivotError extends ControlRefusedError {
  readonly pivot: string;

  constructor(sagaId: string, pivot: string) {
    const what = `saga "${sagaId}" cannot be cancelled: its pivot, step "${pivot}", is or may be done`;
    super('MAKEGOOD_PAST_PIVOT', sagaId, `${what}; let it finish, or terminate it and look after the rest by hand`);
    this.pivot = pivot;
  }
}

/** No step of the saga waits for this signal, or it has come already. */
export class SignalRefusedError extends ControlRefusedError {
  readonly signalName: string;

  constructor(sagaId: string, signalName: string, why: string) {
    super('MAKEGOOD_SIGNAL_REFUSED', sagaId, `signal "${signalName}" of saga "${sagaId}" was refused: ${why}`);
    this.signalName = signalName;
  }
}

/** The step does not wait for a person, or not for this decision. */
export class NotWaitingError extends ControlRefusedError {
  constructor(sagaId: string, why: string) {
    super(
      'MAKEGOOD_NOT_WAITING',
      sagaId,
      `the decision about saga "${sagaId}" was refused: ${why}; nothing was changed`,
    );
  }
}

/** The saga's deadline cannot be put off, or not to then. */
export class RenewalRefusedError extends ControlRefusedError {
  constructor(sagaId: string, why: string) {
    super('MAKEGOOD_RENEWAL_REFUSED', sagaId, `the deadline of saga "${sagaId}" was not renewed: ${why}`);
  }
}

/** The saga cannot be run anew. */
export class RestartRefusedError extends ControlRefusedError {
  constructor(sagaId: string, why: string) {
    super('MAKEGOOD_RESTART_REFUSED', sagaId, `saga "${sagaId}" was not run anew: ${why}; nothing was started`);
  }
}

/** The saga cannot be deleted: it has not ended, or is not here any more. */
export class DeletionRefusedError extends ControlRefusedError {
  constructor(sagaId: string, why: string) {
    super('MAKEGOOD_DELETION_REFUSED', sagaId, `saga "${sagaId}" was not deleted: ${why}; nothing was changed`);
  }
}

/** The saga cannot go on under the other definition. */
export class MigrationRefusedError extends ControlRefusedError {
  constructor(sagaId: string, why: string) {
    super('MAKEGOOD_MIGRATION_REFUSED', sagaId, `saga "${sagaId}" was not migrated: ${why}; nothing was changed`);
  }
}
