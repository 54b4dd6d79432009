/** A participant with its books in PostgreSQL: a barrier in the transaction of each effect, as the guide asks for. */
import type { Pool, PoolClient } from 'pg';
import { TerminalError } from '../../../src/saga/index.ts';

export const bankSchema = `
  CREATE TABLE barrier (operation text, phase text, reason text, PRIMARY KEY (operation, phase));
  CREATE TABLE effects (operation text, amount integer);`;

async function inTransaction<Value>(pool: Pool, work: (client: PoolClient) => Promise<Value>): Promise<Value> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const value = await work(client);
    await client.query('COMMIT');
    client.release();
    return value;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Whether this call is the first to take the place; who comes second learns who was first. */
async function claim(client: PoolClient, operation: string, phase: string, reason: string): Promise<string> {
  await client.query('INSERT INTO barrier VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [operation, phase, reason]);
  const { rows } = await client.query('SELECT reason FROM barrier WHERE operation = $1 AND phase = $2 FOR UPDATE', [
    operation,
    phase,
  ]);
  return (rows[0] as { readonly reason: string }).reason;
}

/** Books the amount once, and not after its undo. */
export function charge(pool: Pool, operation: string, call: string): Promise<string> {
  return inTransaction(pool, async (client) => {
    const first = await claim(client, operation, 'action', call);
    if (first.startsWith('undo')) throw new TerminalError('undone already', { code: 'UNDONE' });
    if (first === call) await client.query('INSERT INTO effects VALUES ($1, 1)', [operation]);
    return `receipt of ${operation}`;
  });
}

/** Takes the amount back once, and bars the charge from then on. */
export function refund(pool: Pool, operation: string, call: string): Promise<void> {
  return inTransaction(pool, async (client) => {
    const charged = !(await claim(client, operation, 'action', `undo ${call}`)).startsWith('undo');
    const first = await claim(client, operation, 'compensation', call);
    if (charged && first === call) await client.query('INSERT INTO effects VALUES ($1, -1)', [operation]);
  });
}

/** Whether it was booked; if not, it never will be. */
export async function wasCharged(pool: Pool, operation: string): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    return !(await claim(client, operation, 'action', 'undo by probe')).startsWith('undo');
  });
}
