import { MakegoodError } from '../errors.ts';

/** Thrown when a store cannot keep what one saga appends: nothing of it was stored, and the journal goes on. */
export class RecordRefusedError extends MakegoodError {
  readonly sagaId: string;

  constructor(sagaId: string, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_RECORD_REFUSED', `records of saga "${sagaId}" cannot be stored: ${why}`, options);
    this.sagaId = sagaId;
  }
}
