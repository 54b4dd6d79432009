// Three services without a coordinator: each reacts to the others' events, and one is undone by an event.
import {
  memoryBroker,
  memoryLedger,
  reactor,
  type ReactorOptions,
  watchChoreography,
  type MemoryTransaction,
} from 'makegood/choreography';
import { TerminalError } from 'makegood/saga';

// In a service: broker = kafkaBroker({ … }) or natsBroker({ … }), and { inbox, outbox } = postgresLedger({ pool }).
const broker = memoryBroker();
const service = (): ReactorOptions<MemoryTransaction> => ({ broker, ...memoryLedger(), topic: 'orders' });

// #region react
const stock = reactor('stock', service()).on('order.placed', {
  run({ data, emit }) {
    emit('stock.reserved', data); // published if, and only if, this reaction commits
    return { shelf: 7 }; // kept for compensate
  },
  emits: ['stock.reserved', 'stock.released'],
  compensateOn: 'payment.refused',
  compensate({ output, emit }) {
    console.log('back to the shelf', output); // prints: back to the shelf { shelf: 7 }
    emit('stock.released', null);
  },
});
// #endregion

// #region refuse
const payments = reactor('payments', service()).on('stock.reserved', {
  run({ data, emit, idempotencyKey }) {
    const { total } = data as { total: number };
    // For calls outside of your database: equal on every attempt.
    if (!idempotencyKey.startsWith('payments/stock/')) throw new TerminalError('not mine');
    emit(total > 100 ? 'payment.refused' : 'payment.done', { total });
  },
  emits: ['payment.done', 'payment.refused'],
});
// #endregion

// #region watch
const plan = { name: 'order', begins: 'order.placed', services: [stock.describe(), payments.describe()] };
const watch = await watchChoreography({ broker, topic: 'orders', plan });
// #endregion

// #region open
const [atStock, atPayments] = await Promise.all([stock.open(), payments.open()]);
const shop = await reactor('shop', service()).open();
await shop.emit({ type: 'order.placed', sagaId: 'order-7', data: { total: 12 } });
await shop.emit({ type: 'order.placed', sagaId: 'order-8', data: { total: 500 } });
// #endregion

while (watch.list({ status: 'compensated' }).length === 0 || watch.get('order-7')?.status !== 'completed')
  await new Promise((resolve) => void setTimeout(resolve, 5));

// #region look
console.log(watch.get('order-7')?.status); // prints: completed
const view = watch.get('order-8');
console.log(view?.status, view?.steps.map(({ name, state }) => `${name}: ${state}`).join(', '));
// prints: compensated stock/order.placed: compensated, payments/stock.reserved: confirmed
// #endregion

// #region redrive
for (const letter of await atStock.waiting({ state: 'dead' })) {
  await atStock.redrive(letter); // again, under its own id, with all its attempts; what waits behind it follows
  // or: await atStock.discard(letter);
}
// #endregion

await Promise.all([atStock, atPayments, shop, watch].map((it) => it.close()));
await broker.close();
