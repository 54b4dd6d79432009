// Guards put together: the usual order, a guard asked without a call, and one of your own. Runs without a network.

async function load(id: string, _options: { readonly signal: AbortSignal }): Promise<string> {
  return `page ${id}`;
}

// #region stack
import { bulkhead, circuitBreaker, rateLimiter } from 'makegood/guards';
import { retryPolicy } from 'makegood/retry';

// One for each thing that is called, made where its client is made, shared by all its calls.
const pages = retryPolicy({
  name: 'pages',
  deadline: '10s', // the whole call, waits included
  attemptTimeout: '2s', // each attempt
  guards: [
    rateLimiter({ name: 'pages', limit: 100, per: '1s', maxQueue: 50 }),
    bulkhead({ name: 'pages', maxConcurrent: 20, maxQueue: 50 }),
    circuitBreaker({ name: 'pages', openFor: '10s' }),
  ],
});
console.log(await pages.execute(({ signal }) => load('7', { signal }))); // prints: page 7
// #endregion

// #region compose
import { compose } from 'makegood/policy';

const guarded = compose(bulkhead({ maxConcurrent: 5 }), circuitBreaker({ name: 'search' }));
const search = guarded.wrap(({ signal }, text: string) => load(text, { signal }));
console.log(await search('makegood')); // prints: page makegood
// #endregion

// #region refusal
import { isRefusal } from 'makegood/policy';

const down = circuitBreaker({ name: 'prices' });
down.isolate(); // as an operator would

const answer = await down
  .execute(({ signal }) => load('prices', { signal }))
  .catch((error: unknown) => {
    if (isRefusal(error)) return 'yesterday’s prices';
    throw error;
  });
console.log(answer); // prints: yesterday’s prices
// #endregion

// #region ask
const ticket = down.tryEnter(); // no promise, no error: what a load balancer or a queue asks before it takes work
console.log(ticket >= 0 ? 'in' : 'refused'); // prints: refused
if (ticket >= 0) down.leave(ticket, 'success'); // whoever is in leaves once, and says how it went
// #endregion

// #region own
import { AdmissionPolicy, refused, RefusedError } from 'makegood/policy';

class OfficeHours extends AdmissionPolicy {
  readonly hour: () => number;

  constructor(hour: () => number) {
    super();
    this.hour = hour;
  }

  tryEnter(): number {
    return this.hour() >= 9 && this.hour() < 17 ? 0 : refused;
  }

  refusal(): RefusedError {
    return new RefusedError('MAKEGOOD_9_TO_17', 'the archive is called from 9 to 17 only', { guard: 'archive' });
  }

  leave(): void {
    // It counts nothing, so it has nothing to be told.
  }
}

const archive = compose(new OfficeHours(() => 3), bulkhead({ maxConcurrent: 1 }));
console.log(await archive.execute(() => 'found').catch((error: unknown) => (error as RefusedError).code));
// prints: MAKEGOOD_9_TO_17
// #endregion
