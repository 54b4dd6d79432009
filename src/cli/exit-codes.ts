/** What the command's exit status says. */
export interface ExitCodes {
  readonly ok: number;
  /** It ran, and what it was to show does not hold. */
  readonly failed: number;
  /** It was called wrongly; nothing was done. */
  readonly usage: number;
  readonly interrupted: number;
}

/** The exit statuses: those of a shell, 130 being 128 and the number of SIGINT. */
export const exitCodes: ExitCodes = Object.freeze({ ok: 0, failed: 1, usage: 2, interrupted: 130 });

/** The command was called in a way that cannot work: shown without a stack trace, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
