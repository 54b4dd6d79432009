import { MakegoodError } from '../errors.ts';

/** Thrown when a node has made as many decisions on its own as it may; it must reach the authority first. */
export class ProvisionalFullError extends MakegoodError {
  /** Decisions without a verdict. */
  readonly undecided: number;

  constructor(undecided: number) {
    super(
      'MAKEGOOD_PROVISIONAL_FULL',
      `${undecided} decisions wait for a verdict; reconcile before any further one is made alone`,
    );
    this.undecided = undecided;
  }
}

/** Thrown by every use of a ledger after `close`. */
export class LedgerClosedError extends MakegoodError {
  constructor() {
    super('MAKEGOOD_LEDGER_CLOSED', 'the ledger of provisional decisions is closed; open it anew to use it');
  }
}
