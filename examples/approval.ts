// An expense that somebody must approve within three days: a saga that waits for a signal, and is reminded meanwhile.

import assert from 'node:assert/strict';
import { saga, TerminalError } from 'makegood/saga';
import { testTempo } from 'makegood/testing';

const booked = new Set<string>();

// #region define
const expense = saga('expense')
  .input<{ readonly claim: string; readonly amount: number }>()
  .step('hold', {
    run: ({ input }) => booked.add(input.claim).size,
    compensate: ({ input }) => booked.delete(input.claim),
  })
  .wait<'decision', { readonly approved: boolean; readonly by: string }>('decision', { timeout: '3d' })
  .step('check', {
    when: ({ results }) => !results.decision.approved,
    run: ({ results }) => {
      throw new TerminalError(`refused by ${results.decision.by}`, { code: 'REFUSED' });
    },
    readOnly: true,
  })
  .pivot('pay', { run: ({ input }) => `paid ${input.amount}` })
  .output(({ results }) => `${results.pay}, approved by ${results.decision.by}`);
// #endregion

await using tempo = await testTempo({ sagas: [expense] });

// #region signal
const run = await tempo.start(expense, { id: 'claim-7', input: { claim: '7', amount: 120 } });
await tempo.advance('2d');
console.log((await tempo.get('claim-7'))?.status); // prints: waiting
await tempo.restart(); // the process dies and comes back: it still waits, and one day is left
await tempo.signal('claim-7', 'decision', { approved: true, by: 'Ada' });
console.log(await tempo.until(run.result())); // prints: paid 120, approved by Ada
// #endregion

const refused = await tempo.start(expense, { id: 'claim-8', input: { claim: '8', amount: 9000 } });
await tempo.signal('claim-8', 'decision', { approved: false, by: 'Bo' });
const { status, failure } = await tempo.until(refused.outcome());
console.log(status, failure?.message); // prints: compensated refused by Bo

const forgotten = await tempo.start(expense, { id: 'claim-9', input: { claim: '9', amount: 5 } });
await tempo.advance('3d');
console.log((await tempo.until(forgotten.outcome())).failure?.code); // prints: MAKEGOOD_SIGNAL_TIMEOUT
assert.deepEqual([...booked], ['7']);
