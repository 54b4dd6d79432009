// Retry: one call, a policy for many, deadlines, cancels, and what a failed call tells. Runs without a network.

// Stands in for a service that fails a few times.
let failures = 0;
const flaky = (times: number): void => void (failures = times);
async function load(id: string, _options: { readonly signal: AbortSignal }): Promise<string> {
  if (failures-- > 0) throw Object.assign(new Error('503 Service Unavailable'), { status: 503 });
  return `page ${id}`;
}
flaky(2);

// #region first
import { retry } from 'makegood/retry';

const page = await retry(({ signal }) => load('7', { signal }));
console.log(page); // prints: page 7
// #endregion

flaky(1);
// #region options
import { exponential } from 'makegood/backoff';
import { byStatus, isTransient } from 'makegood/predicate';

const order = await retry(({ signal }) => load('8', { signal }), {
  maxAttempts: 3, // the first call included: two waits
  backoff: exponential({ initialDelay: '10ms', maxDelay: '1s' }),
  retryable: isTransient.or(byStatus(423)), // nothing else is retried
  attemptTimeout: '2s', // of one attempt
  deadline: '10s', // of the whole call, waits included
});
// #endregion
console.log(order);

flaky(1);
// #region policy
import { retryPolicy } from 'makegood/retry';

const pages = retryPolicy({ maxAttempts: 3, attemptTimeout: '2s', name: 'pages' });

const controller = new AbortController();
const one = await pages.execute(({ signal }) => load('1', { signal }), { signal: controller.signal });
const loadPage = pages.wrap(({ signal }, id: string) => load(id, { signal }));
console.log(one, await loadPage('2')); // prints: page 1 page 2
// #endregion

// #region guards
import { bulkhead, circuitBreaker } from 'makegood/guards';

const guarded = retryPolicy({
  guards: [bulkhead({ name: 'search', maxConcurrent: 20 }), circuitBreaker({ name: 'search' })], // the outermost first
  attemptTimeout: '2s',
});
console.log(await guarded.execute((attempt) => load('5', attempt))); // prints: page 5
// #endregion

// #region deadline
import { remainingMs, withDeadline } from 'makegood/time';

async function handle(request: { readonly signal: AbortSignal }): Promise<string> {
  using signal = withDeadline(request.signal, '5s');
  // Whatever is handed this signal ends with it, and none of its retries sleeps past it.
  const user = await retry((attempt) => load('user', attempt), { signal });
  return remainingMs(signal) > 1000 ? pages.execute((attempt) => load(user, attempt), { signal }) : user;
}
// #endregion
console.log(await handle({ signal: controller.signal }));

flaky(9);
// #region report
import { constant } from 'makegood/backoff';
import { retryReport } from 'makegood/retry';

try {
  await retry((attempt) => load('9', attempt), { maxAttempts: 2, backoff: constant('5ms') });
} catch (error) {
  const { reason, attempts, delaysMs } = retryReport(error) ?? {};
  console.log(reason, attempts, delaysMs); // prints: attempts-exhausted 2 [ 5 ]
  console.log((error as Error).message); // prints: 503 Service Unavailable
}
// #endregion

flaky(0);
// #region abort
import { isMakegoodError } from 'makegood';

const caller = new AbortController();
const call = retry(() => new Promise(() => {}), { attemptTimeout: '20ms', maxAttempts: 1, signal: caller.signal });
const ended = await call.catch((error: unknown) => error);
console.log(isMakegoodError(ended, 'MAKEGOOD_DEADLINE_EXCEEDED')); // prints: true

caller.abort(new Error('the user left'));
const cancelled = await retry(() => load('7', caller), { signal: caller.signal }).catch((error: unknown) => error);
console.log(cancelled === caller.signal.reason); // prints: true
// #endregion

flaky(1);
// #region budget
import { retryBudget } from 'makegood/retry';

// All that call the same service share one allowance: ten retries at once, then one in ten calls, and one a second at least.
const budget = retryBudget({ ratio: 0.1, minPerSecond: 1, window: '10s' });
const reads = retryPolicy({ budget, name: 'reads', backoff: constant(0) });
const searches = retryPolicy({ budget, name: 'searches', maxAttempts: 2 });
await Promise.all([reads.execute((attempt) => load('1', attempt)), searches.execute((attempt) => load('2', attempt))]);
console.log(budget.snapshot().capacity); // prints: 10
// #endregion

flaky(1);
// #region observe
import type { RetryEvent } from 'makegood/retry';

const observer = (event: RetryEvent): void => {
  if (event.type === 'retry.scheduled') console.log(`${event.name}: attempt ${event.attempt} failed`);
  if (event.type === 'retry.succeeded') console.log(`${event.name}: done in ${event.attempts} attempts`);
};
await retry((attempt) => load('3', attempt), { observer, name: 'page', backoff: constant(0) });
// prints: page: attempt 1 failed
// prints: page: done in 2 attempts
// #endregion
