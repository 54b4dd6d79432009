import type { Call } from './call.ts';

/** One execution of a function that may be executed again. Its properties can be destructured. */
export interface Attempt extends Call {
  /** Which attempt this is, from 1. */
  readonly number: number;
  /** How many there may be in all. */
  readonly maxAttempts: number;
  /** Time left for this attempt, in milliseconds: until its time-out or the deadline. `Infinity` without either. */
  readonly remainingMs: number;
}
