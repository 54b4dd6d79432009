import { MakegoodError } from '../errors.ts';

/** Thrown when another opener holds the lock of a data folder: one writer at a time. */
export class FileLockedError extends MakegoodError {
  /** The lock file. */
  readonly path: string;
  /** What the holder wrote about itself (pid, since when), where it could be read. */
  readonly holder: string | undefined;

  constructor(path: string, holder: string | undefined, options?: ErrorOptions) {
    const by = holder === undefined ? 'another opener' : holder;
    super('MAKEGOOD_FILE_LOCKED', `"${path}" is locked by ${by}; close it there first, one writer at a time`, options);
    this.path = path;
    this.holder = holder;
  }
}
