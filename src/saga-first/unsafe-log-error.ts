import { MakegoodError } from '../errors.ts';

/** A topic or stream would lose compensations that it has acknowledged, so the store is not opened. */
export class UnsafeLogError extends MakegoodError {
  /** Each setting that is unsafe, what it is, and what it must be. */
  readonly findings: readonly string[];

  constructor(log: string, findings: readonly string[]) {
    super('MAKEGOOD_UNSAFE_LOG', `${log} would lose registered compensations: ${findings.join('; ')}`);
    this.findings = findings;
  }
}
