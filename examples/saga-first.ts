// The compensation is on record before the operation; when the caller dies, a compensator finishes.

import { memorySagaFirstStore, openCompensator, sagaFirst } from 'makegood/saga-first';
import { scriptedParticipant, testClock } from 'makegood/testing';

const clock = testClock(); // a real service leaves the clock out
const store = memorySagaFirstStore({ clock });
const bank = scriptedParticipant({ action: ['transient', 'ok', 'refuse'], clock });

// #region call
// In a service: store = await openWalSagaFirstStore('./compensations'), and bank is your payment client.
const compensations = {
  refund: {
    compensate: (call: { idempotencyKey: string; signal: AbortSignal }) => bank.compensation(call),
    probe: async ({ operationKey }: { operationKey: string }) => ({
      applied: await bank.status({ idempotencyKey: operationKey }),
    }),
  },
};
const calls = sagaFirst({ store, compensations, clock });

const charge = calls.run(
  ({ idempotencyKey, signal }) => bank.action({ idempotencyKey, signal }),
  { name: 'refund', args: { order: 7, amount: 12 } },
  { id: 'order-7/charge' },
);
// #endregion
await clock.runAll();
console.log(await charge); // prints: order-7/charge

// #region refused
const refused = calls.run((call) => bank.action(call), { name: 'refund' }, { id: 'order-8/charge' });
await refused.catch((error: Error) => console.log(error.message));
// prints: "order-8/charge" was undone: the participant refuses (REFUSED)
// #endregion

// #region compensator
await using compensator = openCompensator({ store, compensations, clock });
await compensator.pass(); // by itself every second
console.log(await compensator.attention.list()); // prints: []
// #endregion
