import type { Duration } from '../time/duration.ts';
import type { Jitter, ScheduleJitter } from './jitter.ts';

/** A {@link constant} backoff as data; `fixed` is its name on the wire. */
export interface FixedBackoffSpec {
  readonly kind: 'fixed';
  readonly initialDelay: Duration;
  readonly jitter?: ScheduleJitter;
}

/** A linear backoff as data. */
export interface LinearBackoffSpec {
  readonly kind: 'linear';
  readonly initialDelay?: Duration;
  readonly increment?: Duration;
  readonly maxDelay?: Duration;
  readonly jitter?: ScheduleJitter;
}

/** An exponential backoff as data. */
export interface ExponentialBackoffSpec {
  readonly kind: 'exponential';
  readonly initialDelay?: Duration;
  readonly factor?: number;
  readonly maxDelay?: Duration;
  readonly jitter?: Jitter;
}

/** A Fibonacci backoff as data. */
export interface FibonacciBackoffSpec {
  readonly kind: 'fibonacci';
  readonly initialDelay?: Duration;
  readonly maxDelay?: Duration;
  readonly jitter?: ScheduleJitter;
}

/** A list of delays as data. */
export interface SequenceBackoffSpec {
  readonly kind: 'sequence';
  readonly delays: readonly Duration[];
  readonly jitter?: ScheduleJitter;
}

/** A decorrelated backoff as data. */
export interface DecorrelatedBackoffSpec {
  readonly kind: 'decorrelated';
  readonly initialDelay?: Duration;
  readonly maxDelay?: Duration;
}

/**
 * A backoff as plain JSON: what `describe()` gives, what a journal or a request can carry, and what `backoffFrom` reads.
 * An option left out has the default of its kind.
 */
export type BackoffSpec =
  | FixedBackoffSpec
  | LinearBackoffSpec
  | ExponentialBackoffSpec
  | FibonacciBackoffSpec
  | SequenceBackoffSpec
  | DecorrelatedBackoffSpec;
