/** How much is tried: seconds in `npm test`, minutes by hand. */
export type Effort = 'short' | 'long';

/** Counts what was tried and keeps what went wrong. */
export class Tally {
  cases = 0;
  readonly violations: string[] = [];
  /** What could not be tried here, and why. */
  readonly skipped: string[] = [];
  /** Figures worth printing beside the count. */
  readonly notes: string[] = [];
  private readonly failFast: boolean;

  constructor(failFast = false) {
    this.failFast = failFast;
  }

  /** Tries one case; what it throws is a violation. */
  async try(what: string, run: () => Promise<void>): Promise<void> {
    if (this.isDone) return;
    this.cases++;
    try {
      await run();
    } catch (error) {
      this.violations.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Nothing more is to be tried: one violation is enough for whoever asked. */
  get isDone(): boolean {
    return this.failFast && this.violations.length > 0;
  }
}

/** One kind of torture. */
export interface Torture {
  readonly name: string;
  /** Needs nothing but memory: no disk, no processes. */
  readonly inMemory: boolean;
  readonly run: (tally: Tally, effort: Effort) => Promise<void>;
}
