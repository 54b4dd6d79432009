/**
 * One node of the cluster under test, a process: Tempo on PostgreSQL through its own proxy, and participants whose effects
 * are rows of the same server, written behind a barrier on connections that nobody cuts: `node-main.ts URL BUSINESS SCHEMA NAME LEASE`.
 */
import process from 'node:process';
import { Pool } from 'pg';
import { openPostgresJournal, postgresBarrier } from '../../src/adapters/postgres/index.ts';
import { constant } from '../../src/backoff/index.ts';
import { isMakegoodError } from '../../src/errors.ts';
import { barrier } from '../../src/participant/index.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import type { FromNode, OrderKind, ToNode } from './messages.ts';

const [url = '', businessUrl = '', schema = '', node = '', lease = ''] = process.argv.slice(2);
const tell = (message: FromNode): void => void process.send?.(message);

function openPool(connectionString: string, max: number): Pool {
  const pool = new Pool({ connectionString, max, connectionTimeoutMillis: 1000, application_name: node });
  pool.on('error', () => undefined);
  return pool;
}

const pool = openPool(url, 8);
const business = openPool(businessUrl, 4);
const rows = postgresBarrier({ pool: business });

interface Call {
  readonly sagaId: string;
  readonly step: string;
  readonly epoch: number;
  readonly input: OrderKind;
}

/** Takes effect once behind the barrier, is slow now and then, and loses every tenth answer after the effect. */
async function callParticipant({ sagaId, step, epoch, input }: Call, phase: 'action' | 'compensation'): Promise<void> {
  const call = { saga: sagaId, step, phase, epoch };
  const reply = await rows.transaction((tx, store) =>
    barrier(store, call, async () => {
      if (phase === 'action' && step === 'ship' && input === 'refused') throw new TerminalError('out of stock');
      const text = 'INSERT INTO effect (saga, step, phase, epoch, node) VALUES ($1, $2, $3, $4, $5)';
      await tx.query(text, [sagaId, step, phase, epoch, node]);
      if (Math.random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 100));
    }),
  );
  if (reply.status === 409) {
    const { code } = JSON.parse(reply.body) as { readonly code: string };
    if (code === 'stale-epoch') {
      tell({ type: 'stale-call' });
      throw new Error('this coordinator was replaced');
    }
    throw new TerminalError(code);
  }
  if (Math.random() < 0.1) throw new Error('the answer was lost');
}

const patient = { maxAttempts: 1000, backoff: constant('50ms'), retryable: () => true };
const options = {
  run: (call: Call) => callParticipant(call, 'action'),
  compensate: (call: Call) => callParticipant(call, 'compensation'),
  retry: patient,
  compensationRetry: patient,
  timeout: '2s',
  // The barrier stops what arrives late.
  maxFlight: 0,
  nullSafe: true,
} as const;
const order = saga('order')
  .input<OrderKind>()
  .step('reserve', options)
  .step('charge', options)
  .step('ship', options)
  .output();

const journal = await openPostgresJournal({
  pool,
  schema,
  node,
  migrate: false,
  lease: Number(lease),
  answerWithin: '1s',
  pollEvery: '200ms',
});
const tempo = await openTempo({ journal, sagas: [order], crashLimit: Infinity });

async function start(id: string, kind: OrderKind): Promise<void> {
  try {
    await tempo.start(order, { id, input: kind });
    tell({ type: 'accepted', id });
  } catch (error) {
    tell({ type: 'refused', id, code: isMakegoodError(error) ? error.code : String(error) });
  }
}

process.on('message', (message: ToNode) => {
  if (message.type === 'start') return void start(message.id, message.kind);
  void tempo.close().then(() => process.exit(0));
});
process.once('disconnect', () => process.exit(1));
tell({ type: 'ready' });
