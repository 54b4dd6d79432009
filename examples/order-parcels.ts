// An order in several parcels: a saga for each, made when it is known how many there are. If one cannot be sent, the
// others are taken back, each in its own order.

import assert from 'node:assert/strict';
import { saga, TerminalError } from 'makegood/saga';
import { testTempo } from 'makegood/testing';

const log: string[] = [];

// #region define
const sendParcel = saga('send-parcel')
  .input<{ readonly sku: string; readonly kilos: number }>()
  .step('label', {
    run: ({ input }) => `label for ${input.sku}`,
    compensate: ({ input }) => log.push(`void the label of ${input.sku}`),
  })
  .step('collect', {
    run: ({ input }) => {
      if (input.kilos > 30) throw new TerminalError('too heavy', { code: 'TOO_HEAVY' });
      return `${input.sku} collected`;
    },
    compensate: ({ input }) => log.push(`bring ${input.sku} back`),
  })
  .output(({ results }) => results.collect);

const order = saga('order')
  .input<{ readonly items: readonly { readonly sku: string; readonly kilos: number }[] }>()
  .step('charge', { run: () => 'charged', compensate: () => log.push('refund') })
  .forEach('parcels', ({ input }) => input.items, { child: sendParcel, concurrency: 4 })
  .output(({ results }) => results.parcels);
// #endregion

await using tempo = await testTempo({ sagas: [order] });

// #region run
const light = await tempo.start(order, {
  id: 'light',
  input: {
    items: [
      { sku: 'lamp', kilos: 2 },
      { sku: 'chair', kilos: 8 },
    ],
  },
});
console.log(await tempo.until(light.result())); // prints: [ 'lamp collected', 'chair collected' ]
console.log((await tempo.get('light~parcels.1'))?.parent); // prints: { id: 'light', step: 'parcels.1' }

const heavy = await tempo.start(order, {
  id: 'heavy',
  input: {
    items: [
      { sku: 'lamp', kilos: 2 },
      { sku: 'anvil', kilos: 90 },
    ],
  },
});
const { status, failure } = await tempo.until(heavy.outcome());
console.log(status, failure?.step, failure?.code); // prints: compensated parcels.1 TOO_HEAVY
// #endregion

assert.equal(log.at(-1), 'refund');
assert.deepEqual(log.slice(0, -1).toSorted(), ['bring lamp back', 'void the label of anvil', 'void the label of lamp']);
