import { MakegoodError } from '../errors.ts';

/** Thrown when a decision was made as often as it may be, and each time something it had read changed meanwhile. */
export class CacheContentionError extends MakegoodError {
  /** How often it was made. */
  readonly attempts: number;

  constructor(attempts: number) {
    const what = `${attempts} decisions in a row were overtaken by other writers; nothing was written`;
    super('MAKEGOOD_CACHE_CONTENTION', `${what}; try again later, or take a lock where conflicts are frequent`);
    this.attempts = attempts;
  }
}
