/**
 * Events through each broker on a real server, and through a reactor with its ledger in PostgreSQL:
 * `node brokers.ts [--events 20000] [--reactions 20000] [--brokers memory,nats,kafka,postgres]`; no events: only reactions.
 *
 * Three runs each: all events as fast as they go; 500 a second, for the time from publish to handler; and with reactions
 * that write a row each, counted at the end: how many are missing, and how many came twice.
 */
import { parseArgs } from 'node:util';
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import * as kafka from '@platformatic/kafka';
import { Pool, type PoolClient } from 'pg';
import { kafkaBroker } from '../dist/adapters/kafka/index.js';
import { natsBroker } from '../dist/adapters/nats/index.js';
import {
  postgresBroker,
  postgresBrokerSchema,
  postgresLedger,
  postgresLedgerSchema,
} from '../dist/adapters/postgres/index.js';
import { type Broker, encodeEvent, memoryBroker, reactor } from '../dist/choreography/index.js';
import { startKafka, startNats, startPostgres } from '../scripts/services.ts';
import { type Figures, machine, saveResults, table } from './report.ts';

const { values: given } = parseArgs({
  options: {
    events: { type: 'string', default: '20000' },
    reactions: { type: 'string', default: '20000' },
    brokers: { type: 'string', default: 'memory,nats,kafka,postgres' },
  },
});
const [events, reactions] = [Number(given.events), Number(given.reactions)];
const [batch, keys, pacedPerSecond, pacedSeconds] = [500, 2000, 500, 5];

function percentile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((left, right) => left - right);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
}

async function until(holds: () => boolean | Promise<boolean>, everyMs = 5): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => void setTimeout(resolve, everyMs));
}

/** Publishes everything, and resolves when a group has had everything: events a second, missing, given twice. */
async function flood(broker: Broker, topic: string): Promise<Figures> {
  const seen = new Map<string, number>();
  await broker.subscribe({
    topic,
    group: 'bench',
    concurrency: 64,
    async handle({ message: { id } }) {
      seen.set(id, (seen.get(id) ?? 0) + 1);
      return { verdict: 'done' };
    },
  });
  const startedMs = performance.now();
  for (let n = 0; n < events; n += batch) {
    const some = Array.from({ length: Math.min(batch, events - n) }, (_, index) => n + index);
    const value = 'x'.repeat(200);
    await broker.publish(some.map((id) => ({ topic, key: `k${id % keys}`, id: String(id), value })));
  }
  const published = (events * 1000) / (performance.now() - startedMs);
  await until(() => seen.size === events);
  const through = (events * 1000) / (performance.now() - startedMs);
  const twice = [...seen.values()].filter((count) => count > 1).length;
  return {
    'published/s': Math.round(published).toLocaleString('en'),
    'through/s': Math.round(through).toLocaleString('en'),
    lost: String(events - seen.size),
    'given twice': String(twice),
  };
}

/** From before a publish to the handler, at a steady rate. */
async function paced(broker: Broker, topic: string): Promise<Figures> {
  const tookMs: number[] = [];
  await broker.subscribe({
    topic,
    group: 'bench',
    async handle({ message: { value } }) {
      tookMs.push(performance.now() - Number(value));
      return { verdict: 'done' };
    },
  });
  const total = pacedPerSecond * pacedSeconds;
  const startedMs = performance.now();
  let sent = 0;
  const sending: Promise<void>[] = [];
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedMs) * pacedPerSecond) / 1000));
    for (; sent < due; sent++)
      sending.push(broker.publish([{ topic, key: `k${sent}`, id: String(sent), value: String(performance.now()) }]));
    await new Promise((resolve) => void setTimeout(resolve, 2));
  }
  await Promise.all(sending);
  await until(() => tookMs.length >= total);
  return { 'p50 ms': percentile(tookMs, 0.5), 'p99 ms': percentile(tookMs, 0.99) };
}

/** Reactions that write a row and emit an event each, in the database of the business. */
async function react(broker: Broker, topic: string, pool: Pool, prefix: string): Promise<Figures> {
  await pool.query(postgresLedgerSchema(prefix));
  await pool.query(`CREATE TABLE ${prefix}_effects (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, saga text)`);
  const stock = await reactor('stock', { broker, topic, ...postgresLedger<PoolClient>({ pool, prefix }) })
    .on('order.placed', {
      emits: ['stock.reserved'],
      async run({ transaction, sagaId, emit }) {
        await transaction.query(`INSERT INTO ${prefix}_effects (saga) VALUES ($1)`, [sagaId]);
        emit('stock.reserved', null);
      },
    })
    .open();
  const time = new Date().toISOString();
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  for (let n = 0; n < reactions; n += batch) {
    const some = Array.from({ length: Math.min(batch, reactions - n) }, (_, index) => `order-${n + index}`);
    const event = { specversion: '1.0', source: 'shop', type: 'order.placed', time, data: null, sequence: 1 } as const;
    const messages = some.map((sagaid) => {
      return { topic, key: sagaid, id: sagaid, value: encodeEvent({ ...event, id: sagaid, sagaid }) };
    });
    await broker.publish(messages);
  }
  const count = async (): Promise<number[]> => {
    const text = `SELECT count(*)::int AS n, count(DISTINCT saga)::int AS sagas FROM ${prefix}_effects`;
    const { rows } = await pool.query<{ n: number; sagas: number }>(text);
    return [rows[0]?.n ?? 0, rows[0]?.sagas ?? 0];
  };
  const written = async (): Promise<number> => {
    const text = `SELECT coalesce(max(n), 0)::int AS n FROM ${prefix}_effects`;
    return (await pool.query<{ n: number }>(text)).rows[0]?.n ?? 0;
  };
  // What is numbered may be missing in between, so it ends when nothing more comes; the numbers are cheap to look at.
  for (let before = -1, now = 0; now < reactions || now !== before; ) {
    [before, now] = [now, await written()];
    await new Promise((resolve) => void setTimeout(resolve, 200));
  }
  const perSecond = (reactions * 1000) / (performance.now() - startedMs);
  const { user, system } = process.cpuUsage(cpu);
  await stock.close();
  const [effects = 0, sagas = 0] = await count();
  return {
    'reactions/s': Math.round(perSecond).toLocaleString('en'),
    'CPU µs a reaction': String(Math.round((user + system) / reactions)),
    'effects lost': String(reactions - sagas),
    doubled: String(effects - sagas),
  };
}

await using postgres = await startPostgres({ settings: { fsync: 'on' } });
await using natsServer = await startNats();
await using kafkaServer = await startKafka();
const pool = new Pool({ connectionString: postgres.url, max: 30 });
await pool.query(postgresBrokerSchema());
const connection = await transport.connect({ servers: natsServer.url });
const brokers: Record<string, () => Broker> = {
  memory: () => memoryBroker({ keep: 0 }),
  'NATS JetStream 2.9': () => natsBroker({ nats: { ...transport, ...jetstream }, connection }),
  'Kafka 4.3': () => kafkaBroker({ kafka, bootstrapBrokers: [kafkaServer.url] }),
  'PostgreSQL 18': () => postgresBroker({ pool, pollEvery: '20ms' }),
};
const rows: Figures[] = [];
for (const [name, open] of Object.entries(brokers)) {
  const word = name.split(' ')[0]?.toLowerCase() ?? '';
  if (!given.brokers.split(',').some((one) => word.startsWith(one))) continue;
  await using broker = open();
  const figures = {
    broker: name,
    ...(events > 0 && (await flood(broker, `${word}-flood`))),
    ...(events > 0 && (await paced(broker, `${word}-paced`))),
    ...(await react(broker, `${word}-react`, pool, word)),
  };
  rows.push(figures);
  console.error(JSON.stringify(figures));
}
await connection.close();
await pool.end();
console.log(
  `${machine()}\n${events.toLocaleString('en')} events, ${reactions.toLocaleString('en')} reactions\n\n${table(rows)}`,
);
saveResults('brokers', { machine: machine(), events, reactions, rows });
