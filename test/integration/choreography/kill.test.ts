/** Services as real processes, killed at any moment, on a real broker and a real database; audited at the end (K23). */
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import { hasServer, startNats, startPostgres } from '../../../scripts/services.ts';
import { natsBroker } from '../../../src/adapters/nats/index.ts';
import { postgresLedger, postgresLedgerSchema } from '../../../src/adapters/postgres/index.ts';
import { reactor } from '../../../src/choreography/index.ts';

const services = fileURLToPath(new URL('order-services.ts', import.meta.url));
const [orders, kills] = [210, 6];

async function startServices(postgresUrl: string, natsUrl: string): Promise<ChildProcess> {
  const args = ['--conditions=makegood:source', services, postgresUrl, natsUrl];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe.skipIf(!hasServer('nats'))('choreographed orders', () => {
  test(`${orders} orders, ${kills} kills: none is lost, none takes effect twice`, { timeout: 240_000 }, async () => {
    await using postgres = await startPostgres();
    await using server = await startNats();
    const pool = new Pool({ connectionString: postgres.url });
    await pool.query(postgresLedgerSchema());
    await pool.query('CREATE TABLE effects (service text, saga text, amount int)');
    const connection = await transport.connect({ servers: server.url });
    const broker = natsBroker({ nats: { ...transport, ...jetstream }, connection, leaseTtl: '1s' });
    const shop = await reactor('shop', { broker, ...postgresLedger({ pool }), topic: 'orders' }).open();
    const seen = { 'payment.done': 0, 'stock.released': 0 };
    await broker.subscribe({
      topic: 'orders',
      group: 'watch',
      async handle({ message }) {
        const { type } = JSON.parse(message.value) as { readonly type: keyof typeof seen };
        if (type in seen) seen[type]++;
        return { verdict: 'done' };
      },
    });

    let running = await startServices(postgres.url, server.url);
    const placing = (async () => {
      for (let n = 1; n <= orders; n++) await shop.emit({ type: 'order.placed', sagaId: `order-${n}`, data: { n } });
    })();
    for (let n = 0; n < kills; n++) {
      await pause(300 + 137 * n);
      await kill(running);
      running = await startServices(postgres.url, server.url);
    }
    await placing;
    const refused = Math.floor(orders / 5);
    const settled = async (): Promise<readonly unknown[]> => {
      const { rows } = await pool.query<{ service: string; n: string; total: string }>(
        'SELECT service, count(DISTINCT saga) AS n, sum(amount) AS total FROM effects GROUP BY service ORDER BY service',
      );
      return rows.map(({ service, n, total }) => [service, Number(n), Number(total)]);
    };
    const expected = [
      ['payments', orders, orders],
      ['stock', orders, orders - refused],
    ];
    await expect.poll(settled, { timeout: 120_000, interval: 200 }).toEqual(expected);
    await expect
      .poll(() => seen['payment.done'] >= orders - refused && seen['stock.released'] >= refused, { timeout: 30_000 })
      .toBe(true);

    const { rows: doubles } = await pool.query(
      'SELECT service, saga, amount, count(*) FROM effects GROUP BY service, saga, amount HAVING count(*) > 1',
    );
    expect(doubles).toEqual([]);
    expect(await pool.query(`SELECT id FROM makegood_inbox_delivery WHERE state <> 'done'`)).toMatchObject({
      rows: [],
    });
    expect(await pool.query('SELECT pos FROM makegood_outbox')).toMatchObject({ rows: [] });

    await kill(running);
    await shop.close();
    await broker.close();
    await connection.close();
    await pool.end();
  });
});
