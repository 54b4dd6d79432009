import type { Pool, PoolClient } from 'pg';
import type { PostgresPool, PostgresResult } from '../../../src/adapters/postgres/index.ts';

/**
 * What a pooler in transaction mode does to its clients: each transaction may go to another session, and nothing of a
 * session is kept. Here each statement outside a transaction goes to whatever connection is free, which has forgotten
 * everything; a transaction keeps its own. LISTEN succeeds, and nothing ever comes.
 */
export function transactionPooler(sessions: Pool): PostgresPool {
  const connect = async (): Promise<{ query: PostgresPool['query']; release: () => void }> => {
    let held: PoolClient | undefined;
    const query = async (text: string, values?: unknown[]): Promise<PostgresResult> => {
      const session = held ?? (await sessions.connect());
      try {
        if (held === undefined) await session.query('DISCARD ALL');
        if (/^BEGIN\b/.test(text)) held = session;
        const result = await session.query(text, values);
        if (/^(COMMIT|ROLLBACK)\b/.test(text)) held = undefined;
        return result;
      } finally {
        if (held !== session) session.release();
      }
    };
    return { query, release: () => held?.release(true) };
  };
  return {
    connect,
    query: async (text, values) => (await connect()).query(text, values),
  };
}
