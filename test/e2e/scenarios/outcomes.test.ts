/** What each answer of a participant means, seen from outside: wire.md's table and its details. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Script, ScriptedService } from './scripted-service.ts';
import { ServerProcess } from '../server-process.ts';

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

const fast = { maxAttempts: 3, backoff: { kind: 'fixed', initialDelay: '10ms' } };

/** A saga `id` of a first step that succeeds and a second that does as the script says. */
async function run(id: string, script: Script, extra: object = {}) {
  const steps = [
    { name: 'first', action: { url: service.url('first') }, compensation: { url: service.url('undo-first') } },
    {
      name: 'second',
      action: { url: service.url(`${id}-act`, script) },
      compensation: { url: service.url(`${id}-undo`) },
      retry: fast,
      timeout: '300ms',
      ...extra,
    },
  ];
  const started = await server.post('/v1/sagas', { id, name: id, input: { id }, steps });
  expect(started.status).toBe(201);
  const outcome = await server.outcome(id);
  const view = (await server.get(`/v1/sagas/${id}`)).body;
  return {
    outcome: outcome.body,
    status: outcome.status,
    view,
    acts: service.callsOf(`${id}-act`),
    undos: service.callsOf(`${id}-undo`),
  };
}

test('409: a definite failure, made once; earlier steps are undone, this one is not; its message is the reason', async () => {
  const { view, acts, undos } = await run('refused', () => ({ status: 409, body: { message: 'no credit' } }));
  expect(view).toMatchObject({ status: 'compensated', reason: 'failed', failure: { step: 'second' } });
  expect(view.failure.message).toContain('no credit');
  expect([acts.length, undos.length, service.undone.get('refused/first')]).toEqual([1, 0, 1]);
  expect(service.callsOf('undo-first').find(({ saga }) => saga === 'refused')).toMatchObject({
    phase: 'compensation',
    key: 'refused/first/compensation',
    body: { input: { id: 'refused' } },
  });
});

test('409 with compensateOnFailure: it is compensated all the same, and first', async () => {
  const { undos } = await run('refused-undone', () => ({ status: 409 }), { compensateOnFailure: true });
  const first = service.callsOf('undo-first').find(({ saga }) => saga === 'refused-undone');
  expect(undos.length).toBe(1);
  expect(undos[0]?.atMs).toBeLessThan(first?.atMs ?? 0);
});

test('202 and 425: asked again under the same attempt, until it is done', async () => {
  const { view, acts } = await run('patient', (_, n) => {
    if (n > 4) return { body: { at: 'last' } };
    return { status: n % 2 === 0 ? 425 : 202, headers: { 'retry-after': '0' } };
  });
  expect(view).toMatchObject({ status: 'completed' });
  expect(acts.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
  expect(view.steps[1]).toMatchObject({ attempts: 1, output: { at: 'last' } });
});

test('503 with Makegood-Effect: none, for ever: nothing to undo in that step', async () => {
  const { view, acts, undos } = await run('busy', () => ({ status: 503, headers: { 'makegood-effect': 'none' } }));
  expect(view).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
  expect([acts.length, undos.length, service.undone.get('busy/first')]).toEqual([3, 0, 1]);
  expect(acts.map(({ attempt, key }) => [attempt, key])).toEqual([1, 2, 3].map((n) => [n, 'busy/second/action']));
});

test('503 without it, for ever: nobody knows, so it is undone, null-safely', async () => {
  const { view, acts, undos } = await run('dark', () => ({ status: 503 }));
  expect(view).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
  expect([acts.length, undos.length]).toEqual([3, 1]);
  expect(undos[0]?.body).toEqual({ input: { id: 'dark' } });
});

test('Retry-After is a floor of the next delay', async () => {
  const { acts } = await run('later', (_, n) => (n === 1 ? { status: 429, headers: { 'retry-after': '1' } } : {}));
  expect((acts[1]?.atMs ?? 0) - (acts[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(995);
});

test('a target that refuses connections: not sent, tried again, and nothing to undo', async () => {
  const { view, undos } = await run('nobody-there', () => ({}), { action: { url: 'http://127.0.0.1:9/closed' } });
  expect(view).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
  expect(view.steps[1].attempts).toBe(3);
  expect([undos.length, service.undone.get('nobody-there/first')]).toEqual([0, 1]);
});

test('no answer in time: made again with the same key; an effect that took place is found by its duplicate', async () => {
  const { view, acts } = await run('silent', (_, n) =>
    n === 1 ? { status: 'hang', effect: true, body: { receipt: 7 } } : {},
  );
  expect(view).toMatchObject({ status: 'completed' });
  expect(view.steps[1]).toMatchObject({ attempts: 2, output: { receipt: 7 } });
  expect([acts.length, service.done.get('silent/second')]).toEqual([2, 1]);
});

test('a connection that breaks after the effect, for ever: undone once, as unknown', async () => {
  const { view, undos } = await run('broken', () => ({ status: 'reset', effect: true }), { retry: { maxAttempts: 1 } });
  expect(view).toMatchObject({ status: 'compensated' });
  expect([undos.length, service.done.get('broken/second'), service.undone.get('broken/second')]).toEqual([1, 1, 1]);
});

test('an action that lands after its undo is refused by the tombstone', async () => {
  const { view } = await run('hanging', () => ({ status: 'hang' }), { retry: { maxAttempts: 1 } });
  expect(view.status).toBe('compensated');
  const late = await fetch(service.url('hanging-act'), {
    method: 'POST',
    headers: {
      'idempotency-key': 'hanging/second/action',
      'makegood-saga': 'hanging',
      'makegood-step': 'second',
      'makegood-phase': 'action',
    },
    body: '{}',
  });
  expect([late.status, service.done.get('hanging/second') ?? 0]).toEqual([409, 0]);
});

test('200 with no body, with a body that is no JSON, 201 and 204: done', async () => {
  expect((await run('empty', () => ({ status: 200 }))).view.status).toBe('completed');
  expect((await run('text', () => ({ status: 200, body: 'certainly {' }))).view.status).toBe('completed');
  expect((await run('created', () => ({ status: 201, body: { id: 1 } }))).view.steps[1].output).toEqual({ id: 1 });
  expect((await run('no-content', () => ({ status: 204 }))).view.status).toBe('completed');
});

test('an answer of 3 MiB is done, without an output', async () => {
  const { view } = await run('huge', () => ({ body: { text: 'x'.repeat(3_000_000) } }), { timeout: '5s' });
  expect(view.status).toBe('completed');
  expect(view.steps[1].output ?? null).toBeNull();
});

test('a redirect is not followed', async () => {
  const trap = service.url('trap');
  const { view } = await run('redirected', () => ({ status: 302, headers: { location: trap } }), {
    retry: { maxAttempts: 1 },
  });
  expect(view.status).toBe('compensated');
  expect(service.callsOf('trap').length).toBe(0);
});

test('410 to a compensation is done; 409 to one asks a person at once', async () => {
  const gone = await run('gone', () => ({ status: 503 }), {
    compensation: { url: service.url('gone-undo', () => ({ status: 410 })) },
  });
  expect([gone.view.status, gone.undos.length]).toEqual(['compensated', 1]);
  const never = await run('never', () => ({ status: 503 }), {
    compensation: { url: service.url('never-undo', () => ({ status: 409, body: { message: 'closed account' } })) },
  });
  expect([never.status, never.view.status, never.undos.length]).toEqual([202, 'needs-human', 1]);
  const { items } = (await server.get('/v1/attention')).body;
  const item = items.find(({ sagaId }: { sagaId: string }) => sagaId === 'never');
  expect(item).toMatchObject({ step: 'second' });
  expect(item.lastFailure.message).toContain('closed account');
});

test('a status probe that says none: skipped; applied: undone with the output that it knows', async () => {
  const none = await run('probe-none', () => ({ status: 503 }), {
    status: { url: service.url('probe-none-status', () => ({ effect: false, body: { effect: 'none' } })) },
  });
  expect([none.view.status, none.undos.length]).toEqual(['compensated', 0]);
  const [asked] = service.callsOf('probe-none-status');
  expect(asked).toMatchObject({
    phase: 'status',
    key: 'probe-none/second/action',
    body: { input: { id: 'probe-none' } },
  });
  const applied = await run('probe-applied', () => ({ status: 'reset', effect: true }), {
    retry: { maxAttempts: 1 },
    status: {
      url: service.url('probe-applied-status', () => ({
        effect: false,
        body: { effect: 'applied', output: { r: 1 } },
      })),
    },
  });
  expect([applied.view.status, applied.undos.length]).toEqual(['compensated', 1]);
  expect(applied.undos[0]?.body).toMatchObject({ output: { r: 1 } });
});

test('nullSafe: false with neither barrier nor status: nothing is guessed, a person is asked', async () => {
  const { view, undos } = await run('no-guess', () => ({ status: 503 }), { nullSafe: false });
  expect([view.status, undos.length]).toEqual(['needs-human', 0]);
});

test('retryOn: only what it lists is made again', async () => {
  const { acts } = await run('listed', () => ({ status: 500 }), { retry: { ...fast, retryOn: [503] } });
  expect(acts.length).toBe(1);
  const both = await run('listed-5xx', () => ({ status: 500 }), { retry: { ...fast, retryOn: ['5xx'] } });
  expect(both.acts.length).toBe(3);
});

test('the deadline of the saga turns it round, and is told to the participant', async () => {
  const id = 'too-late';
  const steps = [
    { name: 'first', action: { url: service.url('first') }, compensation: { url: service.url('undo-first') } },
    {
      name: 'second',
      action: { url: service.url('too-late-act', () => ({ status: 'hang' })) },
      compensation: { url: service.url('too-late-undo') },
      timeout: '10s',
    },
  ];
  await server.post('/v1/sagas', { id, name: id, input: null, deadline: '600ms', steps });
  await server.outcome(id);
  expect((await server.get(`/v1/sagas/${id}`)).body).toMatchObject({ status: 'compensated', reason: 'deadline' });
  const [act] = service.callsOf('too-late-act');
  expect(Number(act?.headers['makegood-deadline'])).toBeLessThanOrEqual(600);
  const undo = service.callsOf('too-late-undo')[0];
  expect(Number(undo?.headers['makegood-deadline'])).toBeGreaterThan(600);
});
