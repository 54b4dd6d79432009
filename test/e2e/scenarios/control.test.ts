/** What people ask of sagas over HTTP: cancel, terminate, the human queue, lists, events, policies; and who may ask. */
import { request as rawRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ScriptedService } from './scripted-service.ts';
import { command, ServerProcess } from '../server-process.ts';

let server: ServerProcess;
let service: ScriptedService;
beforeAll(async () => {
  service = await ScriptedService.start();
  server = new ServerProcess(['--max-flight', '0s']);
  await server.start();
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const once = { maxAttempts: 1 };
const good = (name: string) => ({
  name,
  action: { url: service.url(name) },
  compensation: { url: service.url(`undo-${name}`) },
});

async function start(id: string, steps: readonly unknown[], extra: object = {}): Promise<void> {
  const { status, body } = await server.post('/v1/sagas', { id, name: 'controlled', input: null, steps, ...extra });
  expect([status, body.detail]).toEqual([201, body.detail]);
}

/** A saga whose first step is done and whose second hangs. */
async function hanging(id: string, timeout = '20s'): Promise<void> {
  const action = { url: service.url(`${id}-hang`, () => ({ status: 'hang' })) };
  await start(id, [
    good('a'),
    { name: 'b', action, compensation: { url: service.url('undo-b') }, timeout, retry: once },
  ]);
  await server.viewWhen(id, (view) => view.steps[1].state === 'running');
}

/** A saga whose first step cannot be undone: it waits for a person. */
async function stuck(id: string): Promise<void> {
  const undo = service.url(`${id}-undo`, (_, n) => (n === 1 ? { status: 409, body: { message: 'closed' } } : {}));
  await start(id, [
    { name: 'a', action: { url: service.url('a') }, compensation: { url: undo } },
    { ...good('b'), action: { url: service.url(`${id}-no`, () => ({ status: 409 })) } },
  ]);
  await server.viewWhen(id, (view) => view.status === 'needs-human');
}

test('cancel while a call is in flight: 202, shown compensating; the call is awaited; then everything is undone', async () => {
  await hanging('cancelled', '700ms');
  const answer = await server.post('/v1/sagas/cancelled/cancel', { reason: 'changed my mind' });
  expect([answer.status, answer.body.status]).toEqual([202, 'compensating']);
  expect((await server.post('/v1/sagas/cancelled/cancel')).status).toBe(200);
  await server.outcome('cancelled');
  const view = (await server.get('/v1/sagas/cancelled')).body;
  expect(view).toMatchObject({ status: 'compensated', reason: 'cancel', cancelReason: 'changed my mind' });
  expect(service.undone.get('cancelled/a')).toBe(1);
  expect((await server.post('/v1/sagas/cancelled/cancel')).status).toBe(412);
});

test('cancel past the pivot: 409 past-pivot, and it goes on', async () => {
  await start('past', [
    good('a'),
    { name: 'p', action: { url: service.url('p') }, pivot: true },
    {
      name: 'after',
      action: { url: service.url('after', (_, n) => (n < 3 ? { status: 503, headers: { 'retry-after': '1' } } : {})) },
    },
  ]);
  await server.viewWhen('past', (view) => view.steps[1].state === 'confirmed');
  const answer = await server.post('/v1/sagas/past/cancel');
  expect([answer.status, answer.body.code]).toEqual([409, 'past-pivot']);
  expect((await server.outcome('past')).body.status).toBe('completed');
});

test('terminate: 202, nothing is undone, an item of the whole; resolving closes it; then it can be deleted', async () => {
  await hanging('ended');
  expect((await server.ask('DELETE', '/v1/sagas/ended')).status).toBe(412);
  expect((await server.post('/v1/sagas/ended/terminate', { reason: 'stop' })).status).toBe(202);
  const outcome = await server.outcome('ended');
  expect([outcome.status, outcome.body.status]).toEqual([200, 'terminated']);
  expect(service.undone.get('ended/a')).toBeUndefined();
  const items = (await server.get('/v1/attention')).body.items as { sagaId: string; step: string | null }[];
  expect(items.find(({ sagaId }) => sagaId === 'ended')).toMatchObject({ step: null });
  expect((await server.post('/v1/sagas/ended/terminate')).status).toBe(412);
  expect((await server.post('/v1/sagas/ended/resolve', { note: 'done by hand' })).status).toBe(202);
  const left = (await server.get('/v1/attention')).body.items as { sagaId: string }[];
  expect(left.some(({ sagaId }) => sagaId === 'ended')).toBe(false);
  expect((await server.ask('DELETE', '/v1/sagas/ended')).status).toBe(204);
  expect((await server.get('/v1/sagas/ended')).status).not.toBe(200);
});

test('a compensation that failed: retried by a person, it is undone; a second decision is refused', async () => {
  await stuck('stuck-retry');
  expect((await server.outcome('stuck-retry')).status).toBe(202);
  expect((await server.post('/v1/sagas/stuck-retry/steps/b/retry')).body.code).toBe('not-waiting');
  const answer = await server.post('/v1/sagas/stuck-retry/steps/a/retry', { note: 'reopened' });
  expect(answer.status).toBe(202);
  await server.outcome('stuck-retry');
  expect((await server.get('/v1/sagas/stuck-retry')).body.status).toBe('compensated');
  expect(service.callsOf('stuck-retry-undo').map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect((await server.post('/v1/sagas/stuck-retry/steps/a/retry')).status).toBe(412);
});

test('a compensation that failed: resolved or skipped by a person, with actor and note in the history', async () => {
  for (const verb of ['resolve', 'skip']) {
    const id = `stuck-${verb}`;
    await stuck(id);
    expect((await server.post(`/v1/sagas/${id}/steps/a/${verb}`, { note: 'by hand' })).status).toBe(202);
    await server.outcome(id);
    expect((await server.get(`/v1/sagas/${id}`)).body.status).toBe('compensated');
    const { body } = await server.get(`/v1/sagas/${id}/history`);
    const decided = (body.items ?? body).find(({ type }: { type: string }) => type === 'human-decided');
    expect(decided).toMatchObject({ step: 'a', verb, note: 'by hand', by: expect.any(String) });
  }
});

test('past the pivot, what gives up waits for a person, and goes forward without it', async () => {
  await start('forward', [
    good('a'),
    { name: 'p', action: { url: service.url('p') }, pivot: true },
    { name: 'mail', action: { url: service.url('mail', () => ({ status: 503 })) }, retry: once },
    { name: 'last', action: { url: service.url('last') } },
  ]);
  await server.viewWhen('forward', (view) => view.status === 'needs-human');
  expect((await server.post('/v1/sagas/forward/steps/mail/skip')).status).toBe(409);
  expect((await server.post('/v1/sagas/forward/steps/mail/forward', { note: 'a letter' })).status).toBe(202);
  expect((await server.outcome('forward')).body.status).toBe('completed');
  expect(service.undone.get('forward/a')).toBeUndefined();
});

test('lists: newest first, in pages, by status and name; a bad query is 400 or 422', async () => {
  for (const n of [1, 2, 3, 4, 5]) await start(`page-${n}`, [good('a')], { name: 'paged' });
  await Promise.all([1, 2, 3, 4, 5].map((n) => server.outcome(`page-${n}`)));
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const { status, body } = await server.get(`/v1/sagas?name=paged&limit=2${cursor}`);
    expect([status, body.items.length <= 2]).toEqual([200, true]);
    seen.push(...body.items.map(({ id }: { id: string }) => id));
    if (body.nextCursor === undefined) break;
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
  expect(seen).toEqual(['page-5', 'page-4', 'page-3', 'page-2', 'page-1']);
  expect((await server.get('/v1/sagas?name=paged&status=running')).body.items).toEqual([]);
  expect((await server.get('/v1/sagas?name=paged&status=completed')).body.items.length).toBe(5);
  for (const query of ['limit=0', 'limit=x', 'status=nonsense', 'limit=100000'])
    expect([400, 422]).toContain((await server.get(`/v1/sagas?${query}`)).status);
});

test('events of a saga from its first record; resumed behind the last one seen', async () => {
  await start('told', [good('a'), good('b')]);
  await server.outcome('told');
  const all = await eventsUntil('/v1/events?saga=told', (event) => event.event === 'saga-completed');
  expect(all[0]?.event).toBe('saga-started');
  const ids = all.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const middle = ids[2] ?? '';
  const rest = await eventsUntil('/v1/events?saga=told', (event) => event.event === 'saga-completed', middle);
  expect(rest.map(({ id }) => id)).toEqual(ids.slice(3));
});

interface Told {
  readonly id: string;
  readonly event: string;
}

async function eventsUntil(path: string, last: (event: Told) => boolean, lastId?: string): Promise<readonly Told[]> {
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
  const answer = await fetch(`${server.url}${path}`, { headers, signal: AbortSignal.timeout(10_000) });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const told: Told[] = [];
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string): string =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim() ?? '';
      if (field('id') === '') continue;
      told.push({ id: field('id'), event: field('event') });
      const newest = told.at(-1);
      if (newest !== undefined && last(newest)) return told;
    }
  }
  return told;
}

test('policies are shown and replaced while the server runs', async () => {
  expect((await server.get('/v1/policies')).status).toBe(200);
  const put = await server.ask('PUT', '/v1/policies/governed/b', {
    maxAttempts: 2,
    backoff: { kind: 'fixed', initialDelay: '5ms' },
  });
  expect([200, 204]).toContain(put.status);
  await start(
    'governed-1',
    [good('a'), { ...good('b'), action: { url: service.url('governed-b', () => ({ status: 503 })) } }],
    { name: 'governed' },
  );
  await server.outcome('governed-1');
  expect(service.callsOf('governed-b').length).toBe(2);
  expect((await server.ask('PUT', '/v1/policies/governed/b', { maxAttempts: 'many' })).status).toBe(422);
});

test('health, readiness, metrics and the document', async () => {
  expect((await server.get('/healthz')).status).toBe(200);
  expect((await server.get('/readyz')).status).toBe(200);
  const metrics = await server.get('/metrics');
  expect([metrics.status, String(metrics.body).includes('makegood_')]).toEqual([200, true]);
  const { body } = await server.get('/v1/openapi.json');
  expect(body.openapi).toMatch(/^3\.1/);
  expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/v1/sagas', '/v1/sagas/{id}', '/v1/attention']));
});

/** A request whose headers `fetch` would not let us write. */
function raw(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    const sent = rawRequest({ hostname, port, path, method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? '{"name":"n","steps":[]}' : undefined);
  });
}

test('a page on another origin, or a name that was bound to this machine, is refused', async () => {
  const json = { 'content-type': 'application/json' };
  expect([403, 421]).toContain(await raw('/v1/sagas', { host: 'evil.example' }));
  expect([403, 421]).toContain(await raw('/v1/sagas', { host: '127.0.0.1.evil.example' }));
  expect(await raw('/v1/sagas', { ...json, origin: 'https://evil.example' }, 'POST')).toBe(403);
  expect(await raw('/v1/sagas', { ...json, origin: 'null' }, 'POST')).toBe(403);
  expect(await raw('/v1/sagas', { ...json, 'sec-fetch-site': 'cross-site' }, 'POST')).toBe(403);
});

test('bound to the world without authentication it refuses to start: exit 78', async () => {
  expect(await command(['serve', '--listen', '0.0.0.0:0'])).toMatchObject({ code: 78, stdout: '' });
});
