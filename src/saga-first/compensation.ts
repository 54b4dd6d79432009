import { resolveRetryRules, type RetryOptions, type RetryRules } from '../retry/decide-retry.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import { compensationRetryDefaults } from '../saga/resolve-step.ts';
import type { TriggerReason } from '../saga/saga-first/saga-first-record.ts';
import { type Duration, toMs } from '../time/duration.ts';

/** What a probe is asked with. */
export interface ProbeCall {
  /** The id that the operation was registered under. */
  readonly id: string;
  /** What was registered with it. */
  readonly args: JsonValue;
  /** The operation's own idempotency key. */
  readonly operationKey: string;
  /** Aborts when the call's time is over. */
  readonly signal: AbortSignal;
}

/** What a compensation is called with. */
export interface CompensationCall extends ProbeCall {
  /** `id/compensation`: equal on every attempt. */
  readonly idempotencyKey: string;
  /** From 1; counts on across processes. */
  readonly attempt: number;
  /** What the operation answered; `undefined` when nobody knows whether it took effect. */
  readonly result: JsonValue | undefined;
  readonly reason: TriggerReason;
}

/** Whether an operation took effect. Who answers `false` promises that it never will (a tombstone). */
export type ProbeAnswer = { readonly applied: true; readonly result?: JsonValue } | { readonly applied: false };

/** How one kind of operation is undone. */
export interface Compensation {
  /**
   * Undoes the operation if it took effect, and prevents it if not; right on every repetition. Answer `'nothing'` when
   * there was nothing to undo.
   */
  readonly compensate: (call: CompensationCall) => unknown;
  /** Asks the participant. Without it an operation nobody knows is undone. */
  readonly probe?: (call: ProbeCall) => ProbeAnswer | Promise<ProbeAnswer>;
  /** How long one call may take. Default `'3s'`. */
  readonly timeout?: Duration;
  /** Default {@link compensationRetryDefaults}: 4 calls, after 1 s, 2 s and 4 s; then a person takes over. */
  readonly retry?: RetryOptions;
}

/** A {@link Compensation}, checked and complete. */
export interface ResolvedCompensation {
  readonly compensate: Compensation['compensate'];
  readonly probe: Compensation['probe'];
  readonly timeoutMs: number;
  readonly retry: RetryRules;
}

/** The compensations that a process knows, by name. */
export type Compensations = Readonly<Record<string, Compensation>>;

function resolve(name: string, { compensate, probe, timeout = '3s', retry }: Compensation): ResolvedCompensation {
  checkName(name, 'compensation name');
  if (typeof compensate !== 'function')
    throw new TypeError(`Expected compensations.${name}.compensate to be a function, got ${typeof compensate}`);
  if (probe !== undefined && typeof probe !== 'function')
    throw new TypeError(`Expected compensations.${name}.probe to be a function, got ${typeof probe}`);
  return {
    compensate,
    probe,
    timeoutMs: toMs(timeout, `compensations.${name}.timeout`),
    retry: resolveRetryRules({ ...compensationRetryDefaults, ...retry }),
  };
}

/**
 * Checks compensations, once, where they enter.
 *
 * @throws {TypeError | RangeError} for what is none.
 * @internal
 */
export function resolveCompensations(compensations: Compensations): ReadonlyMap<string, ResolvedCompensation> {
  return new Map(Object.entries(compensations).map(([name, given]) => [name, resolve(name, given)]));
}
