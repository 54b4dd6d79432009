// An adaptive throttle: it finds out by itself how much a callee takes. Runs without a network, on a clock of its own.

import { seededRandom, testClock } from 'makegood/testing';

const clock = testClock();
const random = seededRandom(1);

// #region throttle
import { adaptiveThrottle } from 'makegood/guards';

const search = adaptiveThrottle({ name: 'search', k: 2, clock, random });

/** A second of 200 calls to a search that takes no more than `capacity` of them; how many of them it saw. */
async function aSecond(capacity: number): Promise<number> {
  let seen = 0;
  for (let call = 0; call < 200; call++) {
    await search
      .execute(() => {
        seen += 1;
        if (seen > capacity) throw new Error('429 Too Many Requests');
      })
      .catch(() => undefined);
    await clock.advance(5);
  }
  return seen;
}
// #endregion

console.log('well:', await aSecond(200)); // prints: well: 200
for (let second = 0; second < 10; second++) await aSecond(20);
const seen = await aSecond(20);
console.log('overloaded, it sees about twice what it takes:', seen > 20 && seen < 70);
// prints: overloaded, it sees about twice what it takes: true
for (let second = 0; second < 8; second++) await aSecond(200);
console.log('back:', await aSecond(200)); // prints: back: 200
