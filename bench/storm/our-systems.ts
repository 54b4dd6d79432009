/** makegood's own policies, as they are published, on the storm's clock. */
import { adaptiveThrottle } from '../../src/guards/adaptive-throttle.ts';
import { circuitBreaker } from '../../src/guards/circuit-breaker.ts';
import { coordinatedGuard } from '../../src/guards/coordinated-guard.ts';
import { retryBudget } from '../../src/guards/retry-budget.ts';
import { retryCounter } from '../../src/guards/retry-counter.ts';
import { retry } from '../../src/retry/retry.ts';
import { retryPolicy, type RetryPolicyOptions } from '../../src/retry/retry-policy.ts';
import type { Attempt } from '../../src/policy/attempt.ts';
import type { StormWorld, System } from './simulate.ts';

/** One attempt: the deadline that rides on its signal goes to the server; an abort leaves it and ends the attempt. */
function attempt(world: StormWorld, { signal, remainingMs }: Pick<Attempt, 'signal' | 'remainingMs'>): Promise<void> {
  const sent = world.send(remainingMs);
  return new Promise((resolve, reject) => {
    void sent.answered.then(resolve);
    const leave = (): void => {
      sent.leave();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
  });
}

/** A policy with the defaults but for the limit of an attempt. */
function policy(options: (world: StormWorld) => RetryPolicyOptions): System {
  return (world) => {
    const { clock, random, plan } = world;
    const made = retryPolicy({ clock, random, attemptTimeout: plan.patienceMs, ...options(world) });
    return () => made.execute((given) => attempt(world, given));
  };
}

export const ourSystems: Readonly<Record<string, System>> = {
  'no retry': policy(() => ({ maxAttempts: 1, budget: false })),
  'makegood retry(), no budget': (world) => {
    const { clock, random, plan } = world;
    return () => retry((given) => attempt(world, given), { clock, random, attemptTimeout: plan.patienceMs });
  },
  'makegood, default policy': policy(() => ({})),
  'makegood, budget window 5 s': policy(({ clock }) => ({ budget: retryBudget({ clock, window: '5s' }) })),
  'makegood + breaker': policy(({ clock }) => ({ guards: [circuitBreaker({ clock })] })),
  'makegood + breaker, 1 s, 10 probes': policy(({ clock }) => ({
    guards: [circuitBreaker({ clock, openFor: '1s', halfOpenProbes: 10 })],
  })),
  'makegood + adaptive throttle': policy(({ clock, random }) => ({ guards: [adaptiveThrottle({ clock, random })] })),
  'adaptive throttle alone, no budget': policy(({ clock, random }) => ({
    guards: [adaptiveThrottle({ clock, random })],
    budget: false,
  })),
  'makegood + coordinated guard': policy(({ clock }) => ({
    guards: [
      coordinatedGuard({ counter: retryCounter({ threshold: 5 }), breaker: circuitBreaker({ clock, openFor: '1s' }) }),
    ],
  })),
};
