// How sagas are written, and how they end.

import { memoryJournal } from 'makegood/journal';
import { exponential } from 'makegood/backoff';
import { isMakegoodError } from 'makegood';
import { saga, TerminalError } from 'makegood/saga';
import { openTempo } from 'makegood/tempo';

const seats = { book: async (_flight: string) => 'seat-12A', cancel: async (_seat: string | undefined) => {} };
const rooms = { book: async (_city: string) => ({ room: 104, nights: 2 }), cancel: async (_room: number) => {} };
const card = {
  pay: async (_amount: number): Promise<string> => {
    throw new TerminalError('card declined', { code: 'CARD_DECLINED' });
  },
};

// #region define
const bookTrip = saga('book-trip', { version: '1', deadline: '2m' })
  .input<{ readonly flight: string; readonly city: string; readonly amount: number }>()
  .parallel((branch) => ({
    seat: branch({
      run: ({ input }) => seats.book(input.flight),
      compensate: ({ output }) => seats.cancel(output), // undefined: nobody knows whether a seat was booked
    }),
    room: branch({
      run: ({ input }) => rooms.book(input.city),
      compensate: ({ output }) => (output === undefined ? undefined : rooms.cancel(output.room)),
      timeout: '10s',
      retry: { maxAttempts: 6, backoff: exponential({ initialDelay: '200ms' }) },
    }),
  }))
  .step('quote', { run: ({ input, results }) => input.amount + 80 * results.room.nights, readOnly: true })
  .pivot('pay', { run: ({ results }) => card.pay(results.quote) })
  .output(({ results }) => ({ seat: results.seat, room: results.room.room, receipt: results.pay }));
// #endregion

await using tempo = await openTempo({ journal: memoryJournal(), sagas: [bookTrip] });

// #region outcome
const run = await tempo.start(bookTrip, { id: 'trip-1', input: { flight: 'LH 400', city: 'New York', amount: 600 } });
const outcome = await run.outcome();
console.log(outcome.status, outcome.failure?.code); // prints: compensated CARD_DECLINED
// #endregion

// #region result
try {
  await run.result();
} catch (error) {
  if (!isMakegoodError(error, 'MAKEGOOD_SAGA_COMPENSATED')) throw error;
  console.log(error.message); // prints: saga "trip-1" was undone: step "pay" failed: card declined (CARD_DECLINED)
}
// #endregion

// #region history
for (const record of await tempo.history('trip-1')) {
  console.log(record.seq, record.type, 'step' in record ? record.step : '');
}
// #endregion

// #region look
const view = await tempo.get('trip-1');
console.log(view?.steps.map(({ name, state }) => `${name} ${state}`).join(', '));
// prints: seat compensated, room compensated, quote confirmed, pay failed
const undone = await tempo.list({ status: 'compensated', limit: 10 });
console.log(undone.items.map(({ id }) => id)); // prints: [ 'trip-1' ]
// #endregion
