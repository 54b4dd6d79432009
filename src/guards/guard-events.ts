import type { RefusedError } from '../policy/refused-error.ts';
import type { CircuitState } from './breaker-state.ts';

/** A guard did not let a call in. `error` is what the call is rejected with; its `code` tells the kind of guard. */
export type GuardRefused = {
  readonly type: 'guard.refused';
  readonly name: string;
  readonly error: RefusedError;
};

/** A call waits for its place. `queued` is how many do now, this one included. */
export type GuardQueued = {
  readonly type: 'guard.queued';
  readonly name: string;
  readonly queued: number;
};

/** A function that a guard was given, such as `isFailure`, has thrown; what was decided instead, its page tells. */
export type GuardFault = {
  readonly type: 'guard.fault';
  readonly name: string;
  readonly fault: unknown;
};

/** A breaker has opened: calls are refused, for `openForMs` or until somebody closes it (`Infinity`). */
export type BreakerOpened = {
  readonly type: 'breaker.opened';
  readonly name: string;
  /** What it was before. */
  readonly from: CircuitState;
  /** Why, in words: `5 failures in a row`. */
  readonly reason: string;
  /** Failures counted when it opened. */
  readonly failures: number;
  readonly openForMs: number;
};

/** A breaker has been open long enough and lets probes through. */
export type BreakerHalfOpened = { readonly type: 'breaker.half-opened'; readonly name: string };

/** A breaker has closed: its probes succeeded, or somebody closed it. */
export type BreakerClosed = {
  readonly type: 'breaker.closed';
  readonly name: string;
  /** What it was before. */
  readonly from: CircuitState;
};

/** A retry counter has reached its threshold; told by the one, in whichever thread, that reached it. */
export type CounterTripped = { readonly type: 'counter.tripped'; readonly name: string; readonly threshold: number };

/** What the observer of a circuit breaker is told. */
export type BreakerEvent = BreakerOpened | BreakerHalfOpened | BreakerClosed | GuardRefused | GuardFault;

/** What the observer of a guard with a queue is told. */
export type QueueEvent = GuardRefused | GuardQueued;

/** What the observer of an adaptive throttle is told. */
export type ThrottleEvent = GuardRefused | GuardFault;

/** What the observer of a retry counter is told. */
export type CounterEvent = GuardRefused | CounterTripped;

/** What the observer of any guard may be told. */
export type GuardEvent = BreakerEvent | QueueEvent | CounterEvent;
