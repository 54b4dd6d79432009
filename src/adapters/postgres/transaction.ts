import type { PooledConnection, PostgresClient, PostgresPool } from './postgres-client.ts';

/**
 * Runs work in a transaction at READ COMMITTED on a connection of the pool: commits when it resolves, rolls back when it
 * rejects, and never gives a broken connection back to the pool.
 */
export async function inTransaction<Client extends PostgresClient, Value>(
  pool: PostgresPool<Client>,
  lockTimeoutMs: number,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A server that dies between two statements is told as an event, which would end the process if nobody listened.
  const noteLoss = (error: Error): void => void (broken = error);
  client.on?.('error', noteLoss);
  try {
    await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = ${Math.ceil(lockTimeoutMs)}`);
    const value = await work(client);
    const { command } = await client.query('COMMIT');
    // A transaction in which a statement failed is rolled back by its COMMIT, without an error of its own.
    if (command !== 'COMMIT')
      throw new Error('a statement of the transaction had failed, so all of it was rolled back');
    return value;
  } catch (error) {
    broken = (await rollback(client)) ?? broken;
    throw error;
  } finally {
    client.off?.('error', noteLoss);
    client.release(broken);
  }
}

/** @returns the error when the connection is gone, and the transaction with it. */
async function rollback(client: PostgresClient & PooledConnection): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
