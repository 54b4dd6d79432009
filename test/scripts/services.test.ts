import { createClient } from '@redis/client';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import {
  hasServer,
  type Service,
  startNats,
  startPostgres,
  startPrometheus,
  startRedis,
} from '../../scripts/services.ts';

async function ask(service: Service): Promise<unknown> {
  const client = new Client({ connectionString: service.url });
  await client.connect();
  try {
    await client.query('CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)');
    return (await client.query('SELECT count(*)::int AS kept FROM kept')).rows[0];
  } finally {
    await client.end();
  }
}

test('a PostgreSQL server is real: it keeps its data across a kill and a restart', async () => {
  await using postgres = await startPostgres();
  expect(await ask(postgres)).toEqual({ kept: 1 });
  postgres.signal('SIGQUIT');
  await postgres.restart();
  expect(await ask(postgres)).toEqual({ kept: 2 });
});

test.skipIf(!hasServer('redis'))('a Redis server is real: it keeps its data across a restart', async () => {
  await using redis = await startRedis();
  const client = await createClient({ url: redis.url })
    .on('error', () => {})
    .connect();
  await client.set('key', 'value');
  redis.signal('SIGTERM');
  await redis.restart();
  expect(await client.get('key')).toBe('value');
  client.destroy();
});

test.skipIf(!hasServer('nats'))('a NATS server answers', async () => {
  await using nats = await startNats();
  expect(nats.url).toBe(`nats://127.0.0.1:${nats.port}`);
});

test.skipIf(!hasServer('prometheus'))('a Prometheus server answers queries', async () => {
  await using prometheus = await startPrometheus({ config: 'global: { scrape_interval: 1s }\n' });
  const answer = await fetch(`${prometheus.url}/api/v1/query?query=vector(7)`);
  expect(await answer.json()).toMatchObject({ status: 'success' });
});
