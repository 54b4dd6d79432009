/** What docker-compose.yml starts, started with the programs that are here: its command lines are right, container or not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { startPostgres } from '../../../scripts/services.ts';

const root = join(import.meta.dirname, '../../..');
const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
  readonly services: Record<
    'postgres' | 'node',
    { readonly image: string; readonly command: string; readonly environment: Record<string, string> }
  >;
};

test('docker-compose.yml: its server takes its settings, three of its nodes run a saga and leave when they are told to', async () => {
  const [program, ...flags] = services.postgres.command.split(' ');
  expect([program, services.postgres.image.split(':')[1]]).toEqual(['postgres', '18']);
  const settings = flags.filter((flag) => flag !== '-c').map((setting) => setting.split('=') as [string, string]);
  await using postgres = await startPostgres({ settings: Object.fromEntries(settings) });
  const client = new Client({ connectionString: postgres.url });
  client.on('error', () => undefined);
  await client.connect();
  for (const [name, value] of settings) {
    const text = 'SELECT $2::interval = current_setting($1)::interval AS holds';
    const bytes = 'SELECT pg_size_bytes($2) = pg_size_bytes(current_setting($1)) AS holds';
    const { rows } = await client.query(/size/.test(name) ? bytes : text, [name, value]);
    expect(rows).toEqual([{ holds: true }]);
  }

  const [node, ...args] = services.node.command.split(' ');
  expect(node).toBe('node');
  // The address is the container's; what is kept is that it comes by this name.
  expect(Object.keys(services.node.environment)).toEqual(['DATABASE_URL']);
  const env = { ...process.env, DATABASE_URL: postgres.url };
  const nodes = Array.from({ length: 3 }, () =>
    spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const said = await Promise.all(
    nodes.map(async ({ stdout }) => String(((await once(stdout, 'data')) as unknown[])[0])),
  );
  expect(said).toEqual(Array.from({ length: 3 }, () => 'packed tea\n'));
  const exits = nodes.map((child) => once(child, 'exit'));
  for (const child of nodes) child.kill('SIGTERM');
  expect(await Promise.all(exits)).toEqual(Array.from({ length: 3 }, () => [0, null]));
  const { rows } =
    await client.query(`SELECT (SELECT count(*)::int FROM makegood.saga WHERE status = 'completed') AS completed,
    (SELECT count(*)::int FROM makegood.shard WHERE owner IS NOT NULL) AS owned, (SELECT count(*)::int FROM makegood.node) AS nodes`);
  expect(rows).toEqual([{ completed: 1, owned: 0, nodes: 0 }]);
  await client.end();
}, 60_000);
