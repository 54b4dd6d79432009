/** What the command's exit status says. */
export const exitCodes = Object.freeze({
  ok: 0,
  /** It ran, and what it was to show does not hold. */
  failed: 1,
  /** It was called wrongly; nothing was done. */
  usage: 2,
  interrupted: 130,
});

/** The command was called in a way that cannot work: shown without a stack trace, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
