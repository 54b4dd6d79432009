/**
 * Programs about guards that must compile, and programs that must not: each line that must not is preceded by an
 * expectation, and the typecheck fails when the line after it compiles after all.
 */
import {
  adaptiveThrottle,
  type BreakerEvent,
  bulkhead,
  circuitBreaker,
  coordinatedGuard,
  countWindow,
  type GuardEvent,
  rateLimiter,
  retryBudget,
  retryCounter,
} from '../../src/guards/index.ts';
import { type AdmissionGuard, compose, type Policy } from '../../src/policy/index.ts';
import { retryPolicy } from '../../src/retry/index.ts';

const breaker = circuitBreaker({ name: 'payments', trip: countWindow({ size: 20 }), openFor: '10s' });
const counter = retryCounter({ threshold: 5, shared: new SharedArrayBuffer(4) });

/** Every guard is a policy and an admission guard. */
export const guards: readonly (Policy & AdmissionGuard)[] = [
  breaker,
  bulkhead({ maxConcurrent: 5 }),
  rateLimiter({ limit: 5 }),
  adaptiveThrottle(),
  counter,
  coordinatedGuard({ counter, breaker, limiter: compose(bulkhead({ maxConcurrent: 5 }), rateLimiter({ limit: 5 })) }),
];
/** Guards alone compose to a guard; with anything else, to a policy. */
export const together: AdmissionGuard = compose(breaker, counter);
export const mixed: Policy = compose(retryPolicy({ guards }), breaker);
/** The result is what the function gives, and an observer of everything serves every guard. */
export const result: Promise<number> = breaker.execute(() => 1);
export const observed = circuitBreaker({ observer: (event: GuardEvent) => event.type });
export const shown = circuitBreaker({
  observer: (event: BreakerEvent) => (event.type === 'breaker.opened' ? event.reason : event.name),
});

// @ts-expect-error how many may run at a time has no default that fits
bulkhead({});
// @ts-expect-error a rule says how failures are counted; a number does not
circuitBreaker({ trip: 5 });
// @ts-expect-error a budget must be told calls from retries, so it is no policy
compose(retryBudget(), breaker);
// @ts-expect-error a retry policy has no tickets
export const noGuard: AdmissionGuard = compose(retryPolicy(), breaker);
// @ts-expect-error a bulkhead tells nothing of circuits
bulkhead({ maxConcurrent: 1, observer: (event: BreakerEvent) => event });
