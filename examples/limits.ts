// Bulkhead and rate limiter: how much at a time, how much in a while, who waits and who is refused. Without a network.

import { sleep } from 'makegood/time';

// #region bulkhead
import { bulkhead } from 'makegood/guards';

const reports = bulkhead({ name: 'reports', maxConcurrent: 2, maxQueue: 1 });
const render = async (name: string): Promise<string> => {
  await sleep('10ms');
  return name;
};
const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => reports.execute(() => render(name))));
console.log(outcomes.map(({ status }) => status).join(' ')); // prints: fulfilled fulfilled fulfilled rejected
// #endregion

// #region limiter
import { rateLimiter } from 'makegood/guards';

const search = rateLimiter({ name: 'search', limit: 1, per: '1s', burst: 2 });
for (let call = 0; call < 3; call++) {
  await search.execute(() => console.log('found')).catch((error: Error) => console.log(error.message));
}
// prints: found
// prints: found
// prints: rate limiter "search" is at its limit of 1 in 1000 ms; next call in
// #endregion

// #region wait
import { withDeadline } from 'makegood/time';

// Up to 500 calls wait for their turn: five seconds at this rate, and no longer than each call's own deadline.
const mail = rateLimiter({ name: 'mail', limit: 100, per: '1s', burst: 1, maxQueue: 500 });
await mail.execute(() => console.log('sent 1'));
using signal = withDeadline(undefined, '1s');
await mail.execute(() => console.log('sent 2'), { signal }); // prints: sent 2
console.log(mail.snapshot().queued); // prints: 0
// #endregion
