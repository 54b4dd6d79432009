import type { RetryOn } from '../retry/retry-spec.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { Duration } from '../time/duration.ts';

/** A call to a participant. */
export interface WireCall {
  /** An absolute http or https URL, without user and password. */
  readonly url: string;
  /** Default `'POST'`. */
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent beside those of the protocol, which are reserved. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How long to wait between attempts. What a kind has no use for is ignored. */
export interface WireBackoff {
  readonly kind: 'exponential' | 'fixed' | 'linear' | 'fibonacci' | 'decorrelated' | 'sequence';
  readonly initialDelay?: Duration;
  readonly factor?: number;
  readonly increment?: Duration;
  readonly maxDelay?: Duration;
  readonly jitter?: 'none' | 'full' | 'equal' | 'decorrelated' | { readonly proportional: number };
  readonly delays?: readonly Duration[];
}

/** When and how often a call is made again. */
export interface WireRetry {
  /** Executions in all, the first included. Default 4. */
  readonly maxAttempts?: number;
  /** Default exponential: 100 ms, doubling, at most 5 s, full jitter. */
  readonly backoff?: WireBackoff;
  /** Statuses, `"5xx"`, and the classes `not-sent`, `timeout`, `reset`. Default: everything but a definite refusal. */
  readonly retryOn?: readonly RetryOn[];
  /** Default `true`. */
  readonly respectRetryAfter?: boolean;
}

/** A step of a saga whose participant is called over HTTP. */
export interface WireStep {
  readonly name: string;
  readonly action: WireCall;
  /** Undoes the action; needed before the pivot unless the step is `readOnly`. After the pivot it is never called. */
  readonly compensation?: WireCall;
  /** Asked whether the action was applied, when nobody knows. */
  readonly status?: WireCall;
  /** What the calls get: JSON in which `{ "$from": "input.a" }` and `{ "$from": "results.step.b" }` are replaced. Default: the saga's input. */
  readonly input?: JsonValue;
  /** Steps that must be done before. Default: the step before this one; `[]`: none. */
  readonly after?: readonly string[];
  /** The point of no return. Default `false`. */
  readonly pivot?: boolean;
  /** It changes nothing, so there is nothing to undo. Default `false`. */
  readonly readOnly?: boolean;
  /** Default `'durable'`. */
  readonly mode?: 'durable' | 'saga-first';
  /** Of one attempt of the action. Default `'3s'`. */
  readonly timeout?: Duration;
  /** Of one attempt of the compensation, and of the status call. Default `timeout`. */
  readonly compensationTimeout?: Duration;
  readonly retry?: WireRetry;
  /** Default: 4 executions, after 1, 2 and 4 s. */
  readonly compensationRetry?: WireRetry;
  /** Whether it is undone even after it was refused for certain. Default `false`. */
  readonly compensateOnFailure?: boolean;
  /** Whether the participant refuses what comes after its undoing, so that undoing need not wait. Default `false`. */
  readonly barrier?: boolean;
  /** Whether the compensation is right when nobody knows whether the action was applied. Default `true`. */
  readonly nullSafe?: boolean;
  /** How long a request may still be on its way after its time-out. Default the server's. */
  readonly maxFlight?: Duration;
  /** Sent with each of the step's calls. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What failed, of a saga or a step. */
export interface WireFailure {
  /** Stable: the participant's own, or one of makegood's. */
  readonly code: string;
  readonly message: string;
  /** Absent when it belongs to the saga as a whole. */
  readonly step?: string;
}
