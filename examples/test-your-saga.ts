// A saga with hours of backoff, tested in milliseconds: time moves only when the test says so.

import assert from 'node:assert/strict';
import { constant } from 'makegood/backoff';
import { saga } from 'makegood/saga';
import { scriptedParticipant, testClock, testTempo } from 'makegood/testing';

const clock = testClock();
const bank = scriptedParticipant({ action: ['transient', 'effect-then-timeout', 'ok'], clock });
const pay = saga('pay')
  .input<{ readonly amount: number }>()
  .step('charge', {
    run: bank.action,
    compensate: bank.compensation,
    retry: { maxAttempts: 3, backoff: constant('1h') },
  })
  .output(({ results }) => results.charge);

await using tempo = await testTempo({ sagas: [pay], clock });
const run = await tempo.start(pay, { id: 'pay-1', input: { amount: 12 } });

// #region time
await tempo.advance('59m');
assert.equal((await tempo.get('pay-1'))?.steps[0]?.attempts, 1);
await tempo.restart(); // kill -9 in the middle of the backoff
const output = await tempo.until(run.result()); // moves time as far as it takes
console.log(output, clock.monotonicMs() >= 2 * 3_600_000); // prints: pay-1/charge true
// #endregion

// #region effects
console.log(bank.effects.entries.get('pay-1/charge')); // prints: { applied: 1, undone: 0, calls: 3 }
console.log(bank.effects.audit(['pay-1/charge'])); // prints: { doubles: [], lost: [], strays: [] }
// #endregion
