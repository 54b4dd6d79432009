import { bulkhead } from '../../guards/bulkhead.ts';
import { circuitBreaker } from '../../guards/circuit-breaker.ts';
import type { GuardEvent } from '../../guards/guard-events.ts';
import type { RetryBudget } from '../../guards/retry-budget.ts';
import { timeWindow } from '../../guards/time-window.ts';
import { compose } from '../../policy/compose.ts';
import type { Policy } from '../../policy/policy.ts';
import { isRefusal, RefusedError } from '../../policy/refused-error.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Observer } from '../../ports/observer.ts';
import type { RemoteAnswer, RemoteCall } from '../../outbound/remote-caller.ts';

/** An answer that counts against its target, on its way through the guards. */
class CountedAgainst extends Error {
  readonly answer: RemoteAnswer;

  constructor(answer: RemoteAnswer) {
    super('counted against the target');
    this.answer = answer;
  }
}

/** Whether an answer speaks against the target as a whole, and not against one call. */
function isAgainstTarget(answer: RemoteAnswer): boolean {
  if (answer.kind === 'answered') return answer.status >= 500;
  return answer.kind === 'lost' || answer.kind === 'not-sent';
}

/** What a repeated call is refused with that the target's budget does not allow; a fresh one pays for others. */
export function overBudget(budget: RetryBudget | undefined, call: RemoteCall): RefusedError | undefined {
  if (budget === undefined || call.phase === 'status' || call.isPoll) return undefined;
  if (call.attempt === 1) budget.deposit();
  else if (!budget.withdraw()) {
    const { host } = new URL(call.url);
    const message = `the retry budget of ${host} is empty: attempt ${call.attempt} of step "${call.step}" waits for more`;
    return new RefusedError('MAKEGOOD_RETRY_BUDGET_EMPTY', message, { guard: host, retryAfterMs: 1000 });
  }
  return undefined;
}

/** Makes a call inside the guards of its target; a call that they refuse was not made, and becomes that answer. */
export async function guarded(
  policy: Policy,
  call: RemoteCall,
  make: (call: RemoteCall) => Promise<RemoteAnswer>,
): Promise<RemoteAnswer> {
  const { signal } = call;
  let made = false;
  try {
    return await policy.execute(
      async (inside) => {
        made = true;
        const answer = await make({ ...call, signal: inside.signal });
        if (isAgainstTarget(answer)) throw new CountedAgainst(answer);
        return answer;
      },
      { signal },
    );
  } catch (error) {
    if (error instanceof CountedAgainst) return error.answer;
    if (made) return { kind: 'lost', reason: signal.aborted ? 'timeout' : 'reset', error };
    return { kind: 'refused', error: isRefusal(error) ? error : waitedInVain(call) };
  }
}

/** Its time was over while it waited for a place. */
function waitedInVain({ url, remainingMs }: RemoteCall): RefusedError {
  const { host } = new URL(url);
  const message = `a call to ${host} waited ${Math.round(remainingMs)} ms for a place among those that run`;
  return new RefusedError('MAKEGOOD_BULKHEAD_FULL', message, { guard: host });
}

/** What the guards of one target are made with. */
export interface TargetGuardOptions {
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  readonly clock: Clock;
  readonly observer: Observer<GuardEvent> | undefined;
}

/**
 * The guards of one target unless others are given. The breaker opens for a target that is down under load, and not
 * because one saga's calls fail: nine of ten, out of a hundred in ten seconds.
 */
export function targetGuards(target: string, options: TargetGuardOptions): Policy {
  const { maxConcurrent, maxQueue, clock, observer } = options;
  const trip = timeWindow({ window: '10s', minimum: 100, failureRatio: 0.9 });
  const told = observer === undefined ? {} : { observer };
  return compose(
    circuitBreaker({ name: target, trip, openFor: '5s', clock, ...told }),
    bulkhead({ name: target, maxConcurrent, maxQueue, ...told }),
  );
}
