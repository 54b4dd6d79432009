// One node of a cluster: run it as often as you like, with the same DATABASE_URL.
import { hostname } from 'node:os';
import process, { env, pid } from 'node:process';
import { openPostgresJournal } from 'makegood/adapters/postgres';
import { saga } from 'makegood/saga';
import { openTempo } from 'makegood/tempo';
import { Pool } from 'pg';

const placeOrder = saga('place-order')
  .input<{ readonly sku: string }>()
  .step('reserve', { run: ({ input }) => ({ held: input.sku }), compensate: () => undefined })
  .step('pack', { run: ({ results }) => `packed ${results.reserve.held}`, readOnly: true })
  .output(({ results }) => results.pack);

async function runNode(connectionString: string): Promise<void> {
  // #region open
  const pool = new Pool({ connectionString, max: 8, connectionTimeoutMillis: 5000 });
  const journal = await openPostgresJournal({ pool, node: `${hostname()}-${pid}` });
  const tempo = await openTempo({ journal, sagas: [placeOrder] });
  // #endregion

  // #region leave
  process.once('SIGTERM', () => {
    // What is in hand is put on record, and the shards are handed over.
    void tempo.close().then(() => pool.end());
  });
  // #endregion

  // #region any-node
  const run = await tempo.start(placeOrder, { id: 'order-17', input: { sku: 'tea' } });
  console.log(await run.result()); // whoever drives it
  // #endregion
}

const { DATABASE_URL: url } = env;
if (url === undefined) console.log('set DATABASE_URL to a PostgreSQL database, and start this as often as you like');
else await runNode(url);
// prints: set DATABASE_URL to a PostgreSQL database
