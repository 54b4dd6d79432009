/** The TypeScript participant as a process: `participant()` behind Node's HTTP server, its business in PostgreSQL. */
import { createServer, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Pool, type PoolClient } from 'pg';
import { postgresBarrier, postgresBarrierSchema } from '../../../src/adapters/postgres/index.ts';
import { participant } from '../../../src/participant/index.ts';
import { effectsOf, postgresStock, stockSchema } from '../../integration/conformance/stock.ts';

const { DATABASE_URL, PORT = '0' } = process.env;
const pool = new Pool({ connectionString: DATABASE_URL, max: 8 });
pool.on('error', () => undefined);
await pool.query(postgresBarrierSchema());
await pool.query(stockSchema.replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS'));

const handle = participant({
  barrier: postgresBarrier<PoolClient>({ pool }),
  actions: { reserve: postgresStock },
  onError: (error) => console.error(error),
});

async function answer(incoming: IncomingMessage, signal: AbortSignal): Promise<Response> {
  const url = new URL(incoming.url ?? '/', 'http://participant');
  if (url.pathname === '/effects') {
    const of = [url.searchParams.get('saga'), url.searchParams.get('step')];
    const { rows } = await pool.query('SELECT kind FROM movements WHERE saga = $1 AND step = $2', of);
    return Response.json(effectsOf(rows as { kind: string }[]));
  }
  const { method = 'GET' } = incoming;
  const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const body = method === 'GET' ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
  return await handle(
    new Request(url, { method, headers, signal, ...(body === null ? {} : { body, duplex: 'half' }) }),
  );
}

const server = createServer((incoming, outgoing) => {
  const caller = new AbortController();
  outgoing.once('close', () => caller.abort(new Error('the caller hung up')));
  answer(incoming, caller.signal).then(
    async (response) => {
      const text = await response.text();
      // What was not read of a refused body would be taken for the next request.
      if (!incoming.complete) outgoing.setHeader('Connection', 'close');
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(text);
    },
    (error: unknown) => {
      console.error(error);
      outgoing.destroy();
    },
  );
});
server.listen(Number(PORT), '127.0.0.1');
