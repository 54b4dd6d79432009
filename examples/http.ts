// HTTP: a fetch that retries, and what it does with writes, bodies and deadlines. Runs without a network.

import type { Fetch } from 'makegood/http';

// Stands in for a shop that is busy a few times before it answers.
let busy = 0;
const shop: Fetch = async (input, init) => {
  const { method, headers } = new Request(input, init);
  if (busy-- > 0) return new Response('busy', { status: 503, headers: { 'Retry-After': '0' } });
  return Response.json({ method, key: headers.get('idempotency-key'), attempt: headers.get('makegood-attempt') });
};
const isFailing = (times: number): void => void (busy = times);

isFailing(1);
// #region first
import { retryingFetch } from 'makegood/http';

const fetchShop = retryingFetch({ fetch: shop, attemptTimeout: '2s', deadline: '10s' });

const answer = await fetchShop('https://shop.example/orders/7');
console.log(answer.status, await answer.json()); // prints: 200 { method: 'GET', key: null, attempt: '2' }
// #endregion

isFailing(1);
// #region key
const order = { method: 'POST', body: '{"sku":"tea"}', headers: { 'Idempotency-Key': 'order-7' } };
const made = await fetchShop('https://shop.example/orders', order);
console.log(await made.json()); // prints: { method: 'POST', key: 'order-7', attempt: '2' }

const withKeys = retryingFetch({ fetch: shop, makeIdempotencyKey: true }); // or ({ method, url }) => 'key'
// #endregion
await withKeys('https://shop.example/orders', { method: 'POST' });

isFailing(10);
// #region report
import { constant } from 'makegood/backoff';
import { retryReport } from 'makegood/retry';

const impatient = retryingFetch({ fetch: shop, maxAttempts: 2, backoff: constant('5ms') });
const failed = await impatient('https://shop.example/orders/7');
console.log(failed.status, await failed.text()); // prints: 503 busy
console.log(retryReport(failed)?.reason, retryReport(failed)?.attempts); // prints: attempts-exhausted 2
// #endregion

isFailing(0);
// #region deadline
import { withDeadline } from 'makegood/time';

using signal = withDeadline(undefined, '3s'); // or the signal of the request you are serving
await fetchShop('https://shop.example/orders/7', { signal });
// #endregion
