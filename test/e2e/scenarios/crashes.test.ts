/** The server is killed at the worst moments and started again: outcomes and effects are as if it had not been. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../../src/ports/random.ts';
import { ScriptedService } from './scripted-service.ts';
import { ServerProcess } from '../server-process.ts';

let server: ServerProcess;
let service: ScriptedService;
beforeEach(async () => {
  service = await ScriptedService.start();
  server = new ServerProcess(['--max-flight', '0s']);
  await server.start();
}, 60_000);
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const step = (name: string) => ({
  name,
  action: { url: service.url(name) },
  compensation: { url: service.url(`undo-${name}`) },
  timeout: '1s',
});

/** Resolves when a path has been called. */
async function called(path: string, times = 1): Promise<void> {
  const untilMs = performance.now() + 15_000;
  while (service.callsOf(path).length < times) {
    if (performance.now() > untilMs) throw new Error(`${path} was not called ${times} times`);
    await sleep(5);
  }
}

test('killed while a call is in flight whose effect took place: made again under the next number and the same key, done once', async () => {
  service.url('b', (_, n) => (n === 1 ? { status: 'hang', effect: true, body: { n: 1 } } : { body: { n } }));
  const steps = [step('a'), { ...step('b'), timeout: '30s' }, step('c')];
  expect((await server.post('/v1/sagas', { id: 's', name: 's', input: 1, steps })).status).toBe(201);
  await called('b');
  await server.restart();
  expect((await server.outcome('s')).body.status).toBe('completed');
  const calls = service.callsOf('b');
  expect(calls.map(({ attempt, key }) => [attempt, key])).toEqual([
    [1, 's/b/action'],
    [2, 's/b/action'],
  ]);
  expect(calls[1]?.epoch).toBeGreaterThan(calls[0]?.epoch ?? Infinity);
  expect([service.callsOf('a').length, service.done.get('s/b'), service.done.get('s/c')]).toEqual([1, 1, 1]);
  expect((await server.get('/v1/sagas/s')).body.steps[1].output).toEqual({ n: 1 });
});

test('killed while a compensation is in flight: undone once, and steps that were undone are left alone', async () => {
  service.url('undo-a', (_, n) => (n === 1 ? { status: 'hang', effect: true } : {}));
  service.url('c', () => ({ status: 409 }));
  await server.post('/v1/sagas', {
    id: 's',
    name: 's',
    input: 1,
    steps: [{ ...step('a'), compensationTimeout: '30s' }, step('b'), step('c')],
  });
  await called('undo-a');
  await server.restart();
  expect((await server.outcome('s')).body.status).toBe('compensated');
  expect(service.callsOf('undo-b').length).toBe(1);
  expect(service.callsOf('undo-a').map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect([service.undone.get('s/a'), service.undone.get('s/b')]).toEqual([1, 1]);
});

function isDue(view: { readonly steps: readonly { readonly nextAttemptAt?: string }[] }): boolean {
  return view.steps[1]?.nextAttemptAt !== undefined;
}

test('killed during a backoff: the wait is neither shortened nor begun again', async () => {
  service.url('b', (_, n) => (n === 1 ? { status: 503 } : {}));
  const retry = { maxAttempts: 2, backoff: { kind: 'fixed', initialDelay: '10s', jitter: 'none' } };
  await server.post('/v1/sagas', { id: 's', name: 's', input: 1, steps: [step('a'), { ...step('b'), retry }] });
  const before = (await server.viewWhen('s', isDue)).steps[1].nextAttemptAt;
  await server.restart();
  expect((await server.viewWhen('s', isDue)).steps[1].nextAttemptAt).toBe(before);
  await server.outcome('s');
  const [first, second] = service.callsOf('b');
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(9900);
});

test('what waits for a person, and what a person has decided, outlives the process', async () => {
  service.url('undo-a', (_, n) => (n === 1 ? { status: 409, body: { message: 'closed' } } : {}));
  service.url('b', () => ({ status: 409 }));
  await server.post('/v1/sagas', { id: 's', name: 's', input: 1, steps: [step('a'), step('b')] });
  await server.viewWhen('s', (view) => view.status === 'needs-human');
  await server.restart();
  const { items } = (await server.get('/v1/attention')).body;
  expect(items).toMatchObject([{ sagaId: 's', step: 'a' }]);
  expect((await server.post('/v1/sagas/s/steps/a/retry', { note: 'open again' })).status).toBe(202);
  await server.restart();
  expect((await server.outcome('s')).body.status).toBe('compensated');
  expect(service.undone.get('s/a')).toBe(1);
});

test('a cancel that was answered 202 is kept, though the process dies before the call in flight is over', async () => {
  service.url('b', () => ({ status: 'hang' }));
  await server.post('/v1/sagas', {
    id: 's',
    name: 's',
    input: 1,
    steps: [step('a'), { ...step('b'), timeout: '20s' }],
  });
  await called('b');
  expect((await server.post('/v1/sagas/s/cancel', { reason: 'no' })).status).toBe(202);
  await server.restart();
  await server.outcome('s');
  expect((await server.get('/v1/sagas/s')).body).toMatchObject({
    status: 'compensated',
    reason: 'cancel',
    cancelReason: 'no',
  });
  expect([service.undone.get('s/a'), service.callsOf('b').length]).toEqual([1, 1]);
});

test('killed again and again under load: what was acknowledged ends, each effect once or undone', async () => {
  const random = seededRandom(7);
  service.url('b', ({ saga }, n) => {
    if (saga.endsWith('3')) return { status: 409 };
    if (n === 1 && saga.endsWith('5')) return { status: 'reset', effect: true };
    return { afterMs: Math.floor(random() * 20) };
  });
  const acknowledged: string[] = [];
  const steps = [step('a'), step('b'), step('c')];
  const load = (async () => {
    for (let n = 0; n < 120; n++) {
      const id = `saga-${n}`;
      // A client that was cut off asks again: its request is the same saga.
      for (;;) {
        const answer = await server.post('/v1/sagas', { id, name: 's', input: n, steps }).catch(() => undefined);
        if (answer !== undefined && answer.status < 300) break;
        await sleep(20);
      }
      acknowledged.push(id);
    }
  })();
  for (let kill = 0; kill < 5; kill++) {
    await sleep(150 + random() * 300);
    await server.restart();
  }
  await load;
  const ends = new Map<string, string>();
  for (const id of acknowledged) ends.set(id, (await server.outcome(id)).body.status);
  for (const [id, status] of ends) {
    expect([id, status]).toEqual([id, id.endsWith('3') ? 'compensated' : 'completed']);
    for (const name of ['a', 'b', 'c']) {
      const net = (service.done.get(`${id}/${name}`) ?? 0) - (service.undone.get(`${id}/${name}`) ?? 0);
      expect([id, name, net, (service.done.get(`${id}/${name}`) ?? 0) <= 1]).toEqual([
        id,
        name,
        status === 'completed' ? 1 : 0,
        true,
      ]);
    }
  }
}, 120_000);

test('told to end politely it answers what it has accepted, ends with 0, and goes on where it was', async () => {
  service.url('b', (_, n) => (n === 1 ? { afterMs: 300 } : {}));
  await server.post('/v1/sagas', { id: 's', name: 's', input: 1, steps: [step('a'), step('b'), step('c')] });
  await called('b');
  expect(await server.stop()).toBe(0);
  await server.start();
  expect((await server.outcome('s')).body.status).toBe('completed');
  expect(service.callsOf('b').length).toBe(1);
});
