/** What the command's exit status says. */
export interface ExitCodes {
  readonly ok: number;
  /** It ran, and what it was to show does not hold. */
  readonly failed: number;
  /** It was called wrongly; nothing was done. */
  readonly usage: number;
  /** What was asked for is not there. */
  readonly notFound: number;
  /** Somebody else has what the command would change. */
  readonly conflict: number;
  /** What holds the answer cannot be read: a disk, a server, a format of a newer version. */
  readonly unreachable: number;
  /** The configuration is one that must not run (sysexits.h, EX_CONFIG). */
  readonly refusedConfig: number;
  readonly interrupted: number;
}

/** The exit statuses: those of a shell, 130 being 128 and the number of SIGINT. */
export const exitCodes: ExitCodes = Object.freeze({
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  refusedConfig: 78,
  interrupted: 130,
});

/** A command could not do what it was asked: shown without a stack trace, with an exit status of its own. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The command was called in a way that cannot work: exit status 2. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';

  constructor(message: string, options?: ErrorOptions) {
    super(message, exitCodes.usage, options);
  }
}
