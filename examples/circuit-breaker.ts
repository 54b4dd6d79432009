// A circuit breaker: what it refuses, how it comes back, what it counts, and how it is seen. Runs without a network.

import { sleep } from 'makegood/time';

let isUp = false;
async function charge(_options: { readonly signal: AbortSignal }): Promise<string> {
  if (!isUp) throw Object.assign(new Error('503 Service Unavailable'), { status: 503 });
  return 'charged';
}

// #region first
import { circuitBreaker, consecutiveFailures } from 'makegood/guards';

const payments = circuitBreaker({ name: 'payments', trip: consecutiveFailures(3), openFor: '300ms' });

for (let call = 0; call < 4; call++) {
  await payments.execute(({ signal }) => charge({ signal })).catch((error: Error) => console.log(error.message));
}
// prints: 503 Service Unavailable
// prints: circuit "payments" is open after 3 failures in a row; next probe in
// #endregion

// #region back
isUp = true;
await sleep('310ms');
console.log(payments.state); // prints: open
console.log(await payments.execute(({ signal }) => charge({ signal }))); // prints: charged
console.log(payments.state); // prints: closed
// #endregion

// #region rules
import { countWindow, timeWindow } from 'makegood/guards';

circuitBreaker({ name: 'few calls', trip: consecutiveFailures(5) });
circuitBreaker({ name: 'steady calls', trip: countWindow({ size: 100, minimum: 20, failureRatio: 0.5 }) });
circuitBreaker({ name: 'calls in waves', trip: timeWindow({ window: '30s', minimum: 20, failureRatio: 0.5 }) });
// #endregion

// #region counts
import { isTransient } from 'makegood/predicate';

// Counts what retry retries, no more and no less; a 404 is an answer of a callee that is well.
const orders = circuitBreaker({ name: 'orders', isFailure: isTransient });
// #endregion
console.log(orders.state);

// #region observe
import type { BreakerEvent } from 'makegood/guards';

const observer = (event: BreakerEvent): void => {
  if (event.type === 'breaker.opened') console.log(`${event.name} has opened: ${event.reason}`);
  if (event.type === 'breaker.closed') console.log(`${event.name} has closed`);
};
const ledger = circuitBreaker({ name: 'ledger', observer });
ledger.isolate(); // prints: ledger has opened: it was isolated by hand
console.log(ledger.snapshot().isolated); // prints: true
ledger.close(); // prints: ledger has closed
// #endregion
