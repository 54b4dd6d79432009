/** `makegood serve --postgres` as a process, on a real PostgreSQL. */
import { expect, test } from 'vitest';
import { startPostgres } from '../../scripts/services.ts';
import { ScriptedService } from './scenarios/scripted-service.ts';
import { command, ServerProcess } from './server-process.ts';

test('a saga outlives kill -9 of its server: the call in flight is made again, and its effect is there once', async () => {
  await using postgres = await startPostgres();
  await using service = await ScriptedService.start();
  await using server = new ServerProcess(['--postgres', postgres.url, '--max-flight', '0s']);
  await server.start();
  service.url('b', (_, n) => (n === 1 ? { status: 'hang', effect: true, body: { n: 1 } } : {}));
  const steps = ['a', 'b', 'c'].map((name) => ({
    name,
    action: { url: service.url(name) },
    compensation: { url: service.url(`undo-${name}`) },
    timeout: '30s',
  }));
  expect((await server.post('/v1/sagas', { id: 's', name: 's', input: 1, steps })).status).toBe(201);
  await server.viewWhen('s', () => service.callsOf('b').length === 1);
  await server.restart();
  expect((await server.outcome('s')).body.status).toBe('completed');
  expect(service.callsOf('b').map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect([service.callsOf('a').length, service.done.get('s/b'), service.done.get('s/c')]).toEqual([1, 1, 1]);
}, 90_000);

test('a database that cannot be reached: 5, in a line that names it and keeps its password', async () => {
  const { code, stderr } = await command(['serve', '--postgres', 'postgresql://ann:secret@127.0.0.1:1/orders']);
  expect([code, stderr.includes('secret'), stderr.includes('    at ')]).toEqual([5, false, false]);
  expect(stderr).toContain('error: --postgres postgresql://127.0.0.1:1/orders: connect ECONNREFUSED');
  const wrong = await command(['serve', '--postgres', 'ann:secret@127.0.0.1/orders']);
  expect([wrong.code, wrong.stderr.includes('secret')]).toEqual([78, false]);
});
