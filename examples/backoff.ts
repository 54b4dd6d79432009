// Backoffs: what the delays are, how jitter spreads them, and how a backoff is stored.

// #region exponential
import { exponential } from 'makegood/backoff';

const plain = exponential({ initialDelay: '100ms', factor: 2, maxDelay: '5s', jitter: 'none' });
console.log([1, 2, 3, 4, 5, 6, 7, 8].map((retryNumber) => plain.delayMs(retryNumber)).join(' '));
// prints: 100 200 400 800 1600 3200 5000 5000
// #endregion

// #region kinds
import { constant, decorrelated, fibonacci, linear, sequence } from 'makegood/backoff';

const firstFive = (backoff: { delayMs(retryNumber: number): number }): string =>
  [1, 2, 3, 4, 5].map((retryNumber) => backoff.delayMs(retryNumber)).join(' ');

console.log(firstFive(constant('1s'))); // prints: 1000 1000 1000 1000 1000
console.log(firstFive(linear({ jitter: 'none' }))); // prints: 100 200 300 400 500
console.log(firstFive(fibonacci({ jitter: 'none' }))); // prints: 100 100 200 300 500
console.log(firstFive(sequence(['1s', '2s', '4s']))); // prints: 1000 2000 4000 4000 4000
// #endregion

// #region previous
const wandering = decorrelated({ initialDelay: '100ms', maxDelay: '5s' });
let previousDelayMs: number | undefined;
for (let retryNumber = 1; retryNumber <= 4; retryNumber++) {
  previousDelayMs = wandering.delayMs(retryNumber, { previousDelayMs }); // between 100 ms and 3 × the last delay
}
// #endregion

// #region random
import { cryptoRandom } from 'makegood/ports';
import { seededRandom } from 'makegood/testing';

const backoff = exponential(); // full jitter is the default
const one = backoff.delayMs(3, { random: seededRandom(42) });
const other = backoff.delayMs(3, { random: seededRandom(42) });
console.log(one === other, one < 400); // prints: true true
backoff.delayMs(3, { random: cryptoRandom }); // a delay that nobody can foretell
// #endregion

// #region spec
import { backoffFrom } from 'makegood/backoff';

const text = JSON.stringify(exponential({ initialDelay: '1s', maxDelay: '1m' }).describe());
console.log(text);
// prints: {"kind":"exponential","initialDelay":1000,"factor":2,"maxDelay":60000,"jitter":"full"}
const again = backoffFrom(JSON.parse(text)); // everything is checked; an unknown kind or option is refused
console.log(again.describe().kind); // prints: exponential
// #endregion
