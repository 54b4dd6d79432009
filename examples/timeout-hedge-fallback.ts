// Time-out, hedge and fallback: a call that is not late, not unlucky, and never without an answer. Runs without a network.
import { sleep } from 'makegood/time';

// Stands in for a replica that is slow now and then.
let calls = 0;
async function load(id: string, { signal }: { readonly signal: AbortSignal }): Promise<string> {
  await sleep(++calls % 2 === 1 ? '1s' : '5ms', { signal });
  return `page ${id}`;
}

// #region timeout
import { isMakegoodError } from 'makegood';
import { timeout } from 'makegood/guards';

const inTime = timeout('50ms', { name: 'page' });
const late = await inTime.execute((call) => load('1', call)).catch((error: unknown) => error);
console.log(isMakegoodError(late, 'MAKEGOOD_DEADLINE_EXCEEDED')); // prints: true
console.log((await inTime.execute((call) => load('2', call))) === 'page 2'); // prints: true
// #endregion

// #region hedge
import { hedge } from 'makegood/guards';

const reads = hedge({ delay: '20ms', safe: true }); // a read may run twice at once
const began = performance.now();
console.log(await reads.execute((call) => load('3', call))); // prints: page 3
console.log(performance.now() - began < 500); // prints: true
// #endregion

// #region fallback
import { byStatus } from 'makegood';
import { fallback } from 'makegood/guards';
import { compose } from 'makegood/policy';

const lastGood = new Map([['4', 'page 4, as it was']]);
const orLastGood = fallback(
  (error) => {
    const page = lastGood.get('4');
    if (page === undefined) throw error;
    return page;
  },
  { when: (error) => !byStatus('4xx')(error) },
);
const page = compose(orLastGood, timeout('10ms'));
console.log(await page.execute((call) => load('4', call))); // prints: page 4, as it was
// #endregion
