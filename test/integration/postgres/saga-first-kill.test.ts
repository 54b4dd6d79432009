/** Callers as real processes, killed at the crash points by name; a compensator in another process finishes for them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { startPostgres } from '../../../scripts/services.ts';
import { openPostgresSagaFirstStore } from '../../../src/adapters/postgres/index.ts';
import { openCompensator } from '../../../src/saga-first/index.ts';
import { bankSchema, refund, wasCharged } from './bank.ts';

const caller = fileURLToPath(new URL('saga-first-caller.ts', import.meta.url));

/** Crash point, where it is, what the compensator may do, and what comes of it. */
const points = [
  ['K1, K2', 'after-registered', 'refund', 'compensated', 0],
  ['K2', 'before-charge', 'refund-or-ask', 'noop', 0],
  ['K4', 'after-charge', 'refund', 'compensated', 0],
  ['K4', 'after-charge', 'refund-or-ask', 'confirmed', 1],
  ['K5', 'before-confirmed', 'refund-or-ask', 'confirmed', 1],
  ['K6', 'after-confirmed', 'refund', 'confirmed', 1],
  ['K12', 'after-triggered', 'refund', 'compensated', 0],
  ['K13', 'before-refund', 'refund', 'compensated', 0],
  ['K14', 'after-refund', 'refund', 'compensated', 0],
] as const;

test('killed at every point, each call is confirmed and stands, or undone and gone', async () => {
  await using postgres = await startPostgres();
  const pool = new Pool({ connectionString: postgres.url });
  await pool.query(bankSchema);
  await Promise.all(
    points.map(async ([, point, compensation]) => {
      const args = ['--conditions=makegood:source', caller, postgres.url, point, compensation];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      expect(await once(child, 'exit'), point).toEqual([null, 'SIGKILL']);
    }),
  );

  await using store = await openPostgresSagaFirstStore({ pool });
  const compensate = ({ id }: { readonly id: string }): Promise<void> => refund(pool, id, 'the compensator');
  const probe = async ({ id }: { readonly id: string }) => {
    return (await wasCharged(pool, id))
      ? { applied: true as const, result: `receipt of ${id}` }
      : { applied: false as const };
  };
  const options = { compensate, timeout: '500ms' } as const;
  const compensations = { refund: options, 'refund-or-ask': { ...options, probe } };
  const working = [1, 2].map(() => openCompensator({ store, compensations, pollEvery: '200ms' }));
  await expect
    .poll(async () => (await store.list({ statuses: ['registered', 'triggered'] })).items, {
      timeout: 60_000,
      interval: 200,
    })
    .toEqual([]);
  await Promise.all(working.map((compensator) => compensator.close()));

  for (const [name, point, compensation, status, standing] of points) {
    const id = `${point}-${compensation}/charge`;
    expect((await store.read(id))?.state.status, `${name} ${id}`).toBe(status);
    const { rows } = await pool.query('SELECT amount FROM effects WHERE operation = $1', [id]);
    const amounts = rows.map(({ amount }: { amount: number }) => amount);
    expect(
      amounts.reduce((sum, amount) => sum + amount, 0),
      `${name} ${id}`,
    ).toBe(standing);
    expect(amounts.length, `${name} ${id}`).toBeLessThanOrEqual(2);
  }
  await pool.end();
}, 180_000);
