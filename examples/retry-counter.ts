// A retry counter that worker threads share, and the guard that couples it with a breaker and a limiter. No network.

// #region counter
import { retryCounter } from 'makegood/guards';

// Hand `shared` to each worker thread (`workerData`); every counter made on it is the same count.
const shared = new SharedArrayBuffer(4);
const here = retryCounter({ name: 'payments', threshold: 3, shared });
const there = retryCounter({ name: 'payments', threshold: 3, shared });
here.raise();
there.raise();
console.log(here.count, there.raise(), here.isTripped); // prints: 2 true true
// #endregion
here.reset();

// #region coordinated
import { circuitBreaker, coordinatedGuard, rateLimiter } from 'makegood/guards';
import { retryPolicy, retryReport } from 'makegood/retry';

const payments = coordinatedGuard({
  counter: here,
  breaker: circuitBreaker({ name: 'payments', openFor: '10s' }),
  limiter: rateLimiter({ name: 'payments', limit: 100, per: '1s' }),
});
const policy = retryPolicy({ name: 'charge', maxAttempts: 4, guards: [payments] });

const down = async (): Promise<never> => {
  throw Object.assign(new Error('503'), { status: 503 });
};
const error: unknown = await policy.execute(down).catch((caught: unknown) => caught);
// The third failure tripped the counter, so the fourth attempt was not made, nor waited for.
console.log(retryReport(error)?.attempts, retryReport(error)?.reason, payments.state); // prints: 3 guard-open open
// #endregion
