import type { SagaFirstState } from './saga-first-state.ts';

/** What a compensator needs to know to decide. Times are in ms. */
export interface CompensatorRules {
  /** How often a compensation is called in all before a person takes over. */
  readonly maxAttempts: number;
  /** How long one call may take; a call that was announced by someone else may last as long. */
  readonly attemptTimeoutMs: number;
  /** The longest wait before a call of this number. */
  readonly longestDelayMs: (attempt: number) => number;
  /** How much the clocks of a store may differ. */
  readonly skewAllowanceMs: number;
  /** Whether the participant can be asked if the operation took effect. */
  readonly canProbe: boolean;
}

/** What the decider itself has seen of the last call of the compensation: that it ended, and when the next is due. */
export interface FailedCompensation {
  /** How long after its announcement the next call may be made, as it was drawn. */
  readonly delayMs: number;
}

/** What is to be done next about a saga-first step that its caller has left. */
export type CompensatorMove =
  /** Nothing before `at`, by the store's clock. */
  | { readonly move: 'wait'; readonly at: number }
  /** Ask whether the operation took effect, then confirm it, or trigger and call it nothing. */
  | { readonly move: 'probe' }
  | { readonly move: 'trigger' }
  /** Announce this call of the compensation, then make it. */
  | { readonly move: 'attempt'; readonly attempt: number }
  | { readonly move: 'escalate' }
  /** Nothing: it is confirmed, closed, or a person's. */
  | { readonly move: 'rest' };

const rest: CompensatorMove = Object.freeze({ move: 'rest' });

function settledAt({ lastAttemptAt, registration }: SagaFirstState, { skewAllowanceMs }: CompensatorRules): number {
  return lastAttemptAt + registration.settleAfterMs + skewAllowanceMs;
}

/** When the compensation may be called again: after the last call was announced, over, and waited for. */
function nextAttemptAt(state: SagaFirstState, rules: CompensatorRules, failed: FailedCompensation | undefined): number {
  const { compensationAttempts, lastAttemptAt, mayArrive } = state;
  if (compensationAttempts === 0) return mayArrive === true ? settledAt(state, rules) : -Infinity;
  // Whoever saw the call fail need not wait for it to be over; anybody else must take it for running.
  if (failed !== undefined) return lastAttemptAt + failed.delayMs;
  const { attemptTimeoutMs, skewAllowanceMs, longestDelayMs } = rules;
  return lastAttemptAt + attemptTimeoutMs + skewAllowanceMs + longestDelayMs(compensationAttempts + 1);
}

/**
 * What follows for a saga-first step.
 *
 * @param now by the store's clock, ms since 1970.
 * @param failed what the decider has seen of the last call of the compensation; `undefined` when it was another's.
 * @internal
 */
export function decideCompensator(
  state: SagaFirstState,
  now: number,
  rules: CompensatorRules,
  failed: FailedCompensation | undefined,
): CompensatorMove {
  switch (state.status) {
    case 'registered': {
      const at = settledAt(state, rules);
      if (now < at) return { move: 'wait', at };
      return { move: rules.canProbe ? 'probe' : 'trigger' };
    }
    case 'triggered': {
      const spent = state.compensationAttempts >= rules.maxAttempts;
      const at = spent && failed !== undefined ? -Infinity : nextAttemptAt(state, rules, failed);
      if (now < at) return { move: 'wait', at };
      if (spent) return { move: 'escalate' };
      return { move: 'attempt', attempt: state.compensationAttempts + 1 };
    }
    case 'confirmed':
    case 'needs-human':
    case 'compensated':
    case 'noop':
    case 'resolved':
    case 'released':
      return rest;
  }
}
