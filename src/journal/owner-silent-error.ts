import { MakegoodError } from '../errors.ts';

/** Thrown when the coordinator that owns a saga did not answer in time. What was asked may still be carried out. */
export class OwnerSilentError extends MakegoodError {
  readonly sagaId: string;
  readonly waitedMs: number;

  constructor(sagaId: string, waitedMs: number) {
    super(
      'MAKEGOOD_OWNER_SILENT',
      `nobody answered for saga "${sagaId}" in ${waitedMs} ms; what was asked is kept, and carried out by whoever owns it next`,
    );
    this.sagaId = sagaId;
    this.waitedMs = waitedMs;
  }
}
