// A saga of three steps that completes or is made good, kept in a log on disk. Run it twice: the second time the
// order is known, and nothing is done again.

import { openWalJournal } from 'makegood/journal';
import { saga } from 'makegood/saga';
import { openTempo } from 'makegood/tempo';

interface Order {
  readonly id: string;
  readonly sku: string;
  readonly quantity: number;
}

// Stand-ins for your services. Each takes the key by which it can tell a repetition, and undoes by order, so that undoing
// is right even when nobody knows whether the order ever arrived.
const inventory = {
  reserve: async (_order: Order, _key: string) => 'r-17',
  release: async (_order: Order, _key: string) => {},
};
const payments = {
  charge: async (_order: Order, _key: string) => 'p-42',
  refund: async (_order: Order, _key: string) => {},
};
const carrier = { ship: async (_order: Order, _key: string) => 'track-7' };

const placeOrder = saga('place-order', { deadline: '5m' })
  .input<Order>()
  .step('reserve', {
    run: ({ input, idempotencyKey }) => inventory.reserve(input, idempotencyKey),
    compensate: ({ input, idempotencyKey }) => inventory.release(input, idempotencyKey),
  })
  .step('charge', {
    run: ({ input, idempotencyKey }) => payments.charge(input, idempotencyKey),
    compensate: ({ input, idempotencyKey }) => payments.refund(input, idempotencyKey),
  })
  .pivot('ship', { run: ({ input, idempotencyKey }) => carrier.ship(input, idempotencyKey) })
  .output(({ results }) => ({ payment: results.charge, tracking: results.ship }));

await using tempo = await openTempo({ journal: await openWalJournal('./makegood-data'), sagas: [placeOrder] });

const order: Order = { id: 'order-1', sku: 'tea', quantity: 3 };
const run = await tempo.start(placeOrder, { id: order.id, input: order }); // durable from here on, whatever happens
console.log(await run.result()); // prints: { payment: 'p-42', tracking: 'track-7' }
