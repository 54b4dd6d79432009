import { RefusedError } from '../policy/refused-error.ts';
import type { CircuitState } from './breaker-state.ts';

/**
 * A circuit breaker did not let the call in, because its callee has failed too often of late.
 *
 * @example
 * new CircuitOpenError('payments', { state: 'open', reason: '5 failures in 10000 ms', failures: 5, nextProbeMs: 4200 }).message
 * // => 'circuit "payments" is open after 5 failures in 10000 ms; next probe in 4200 ms'
 */
export class CircuitOpenError extends RefusedError {
  /** `open`, or `half-open` while its probes are under way. */
  readonly state: CircuitState;
  /** Failures counted when it opened. */
  readonly failures: number;

  /**
   * @param circuit the breaker's name.
   * @param facts.nextProbeMs when calls may pass again; `Infinity` for an isolated one, `undefined` while half-open. It is
   *   the error's `retryAfterMs` too.
   */
  constructor(
    circuit: string,
    facts: {
      readonly state: CircuitState;
      readonly reason: string;
      readonly failures: number;
      readonly nextProbeMs: number | undefined;
    },
  ) {
    const { state, reason, failures, nextProbeMs } = facts;
    super('MAKEGOOD_CIRCUIT_OPEN', `circuit "${circuit}" is ${state} after ${reason}; ${outlook(nextProbeMs)}`, {
      guard: circuit,
      retryAfterMs: nextProbeMs === Infinity ? undefined : nextProbeMs,
    });
    this.state = state;
    this.failures = failures;
  }
}

function outlook(nextProbeMs: number | undefined): string {
  if (nextProbeMs === undefined) return 'its probes are under way';
  return nextProbeMs === Infinity ? 'call close() to let calls through' : `next probe in ${Math.ceil(nextProbeMs)} ms`;
}
