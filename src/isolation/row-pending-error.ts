import { MakegoodError } from '../errors.ts';

/** Another saga is changing the row and may still undo it. Come back when it has ended. */
export class RowPendingError extends MakegoodError {
  /** The saga that has it. */
  readonly holder: string;

  constructor(what: string, holder: string) {
    super('MAKEGOOD_ROW_PENDING', `${what} is being changed by saga "${holder}"; try again when that has ended`);
    this.holder = holder;
  }
}
