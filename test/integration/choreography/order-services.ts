/** Two services in one process, which is killed: `order-services.ts <postgres url> <nats url>`. */
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { Pool, type PoolClient } from 'pg';
import { natsBroker } from '../../../src/adapters/nats/index.ts';
import { postgresLedger } from '../../../src/adapters/postgres/index.ts';
import { exponential } from '../../../src/backoff/index.ts';
import { reactor } from '../../../src/choreography/index.ts';

const [postgresUrl = '', natsUrl = ''] = process.argv.slice(2);
const pool = new Pool({ connectionString: postgresUrl, max: 20 });
const connection = await transport.connect({ servers: natsUrl, maxReconnectAttempts: -1 });
const broker = natsBroker({ nats: { ...transport, ...jetstream }, connection, leaseTtl: '500ms' });
const { inbox, outbox } = postgresLedger<PoolClient>({ pool });
const options = {
  broker,
  inbox,
  outbox,
  topic: 'orders',
  pollEvery: 100,
  maxCrashes: 100,
  maxDeliveries: 100,
} as const;
const retry = { backoff: exponential({ initialDelay: 20, maxDelay: 20, jitter: 'none' }) };

/** Not unique on purpose: an effect that comes twice is to be seen. */
const effect = (tx: PoolClient, service: string, order: string, amount: number): Promise<unknown> =>
  tx.query('INSERT INTO effects (service, saga, amount) VALUES ($1, $2, $3)', [service, order, amount]);

const stock = reactor('stock', options).on('order.placed', {
  async run({ transaction, sagaId, emit }) {
    await effect(transaction, 'stock', sagaId, 1);
    emit('stock.reserved', { sku: 'tea' });
  },
  emits: ['stock.reserved', 'stock.released'],
  compensateOn: 'payment.refused',
  async compensate({ transaction, sagaId, emit }) {
    await effect(transaction, 'stock', sagaId, -1);
    emit('stock.released', null);
  },
});

const payments = reactor('payments', options).on('stock.reserved', {
  retry,
  async run({ transaction, sagaId, attempt, emit }) {
    const order = Number(sagaId.split('-')[1]);
    if (order % 7 === 0 && attempt < 3) throw new Error('the bank is busy');
    await effect(transaction, 'payments', sagaId, 1);
    emit(order % 5 === 0 ? 'payment.refused' : 'payment.done', null);
  },
  emits: ['payment.done', 'payment.refused'],
});

await stock.open();
await payments.open();
console.log('open');
