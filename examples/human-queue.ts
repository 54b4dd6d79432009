// A compensation that will not work, and the person who decides: what waits is listed, told again, and decided once.

import { saga, TerminalError } from 'makegood/saga';
import { testTempo } from 'makegood/testing';

let bankIsOpen = false;

const booking = saga('booking')
  .input<{ readonly seat: string }>()
  .step('charge', {
    run: () => 'charged',
    compensate: () => {
      if (!bankIsOpen) throw new Error('the bank is closed');
    },
  })
  .step('seat', {
    run: () => {
      throw new TerminalError('taken', { code: 'TAKEN' });
    },
    compensate: () => undefined,
  })
  .output();

// #region decide
await using tempo = await testTempo({
  sagas: [booking],
  observer: (event) => {
    if (event.type === 'attention.raised') console.log(`page somebody: ${event.item.sagaId}/${event.item.step}`);
  },
});
const run = await tempo.start(booking, { id: 'b-1', input: { seat: '4A' } });
await tempo.advance('10s'); // 4 attempts, after 1, 2 and 4 s
// prints: page somebody: b-1/charge
const [item] = await tempo.attention.list();
console.log(item?.reason, item?.lastFailure?.message); // prints: compensation the bank is closed

bankIsOpen = true;
await tempo.attention.retry('b-1', 'charge', { by: 'ada@example.org', note: 'the bank is open again' });
console.log((await tempo.until(run.outcome())).status); // prints: compensated
// #endregion
