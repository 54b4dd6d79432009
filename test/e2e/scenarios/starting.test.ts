/** Ad-hoc sagas over HTTP as any language starts them: what is accepted, what is refused, what the participant is sent. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedService } from './scripted-service.ts';
import { ServerProcess } from '../server-process.ts';

let server: ServerProcess;
let service: ScriptedService;
beforeAll(async () => {
  service = await ScriptedService.start();
  server = new ServerProcess();
  await server.start();
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const twoSteps = () => [
  { name: 'reserve', action: { url: service.url('reserve') }, compensation: { url: service.url('release') } },
  { name: 'charge', action: { url: service.url('charge') }, compensation: { url: service.url('refund') } },
];

describe('a saga that is accepted', () => {
  test('201 with its place and view; runs to its end; each effect once; every header of the protocol', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const started = await server.ask(
      'POST',
      '/v1/sagas',
      { id: 'first', name: 'order', input: { sku: 'a', n: 2 }, headers: { 'x-tenant': 'blue' }, steps: twoSteps() },
      { traceparent, tracestate: 'vendor=1' },
    );
    expect(started.status).toBe(201);
    expect(started.headers.get('location')).toContain('/v1/sagas/first');
    expect(started.body).toMatchObject({ id: 'first', name: 'order', input: { sku: 'a', n: 2 } });
    expect(started.body.steps.map(({ name }: { name: string }) => name)).toEqual(['reserve', 'charge']);
    const outcome = await server.outcome('first');
    expect([outcome.status, outcome.body.status]).toEqual([200, 'completed']);
    const [reserve] = service.callsOf('reserve');
    expect(reserve).toMatchObject({
      phase: 'action',
      saga: 'first',
      step: 'reserve',
      attempt: 1,
      key: 'first/reserve/action',
      body: { sku: 'a', n: 2 },
    });
    expect(reserve?.headers['x-tenant']).toBe('blue');
    expect(reserve?.epoch).toBeGreaterThan(0);
    const deadline = Number(reserve?.headers['makegood-deadline']);
    expect(deadline).toBeGreaterThan(0);
    expect(deadline).toBeLessThanOrEqual(3000);
    expect(reserve?.headers).toMatchObject({ traceparent, tracestate: 'vendor=1' });
    expect([...service.done].filter(([of]) => of.startsWith('first/'))).toEqual([
      ['first/reserve', 1],
      ['first/charge', 1],
    ]);
    const view = (await server.get('/v1/sagas/first')).body;
    expect(view.steps[0]).toMatchObject({ name: 'reserve', state: 'confirmed', attempts: 1 });
    expect(new Date(view.createdAt).toISOString()).toBe(view.createdAt);
    const history = (await server.get('/v1/sagas/first/history')).body;
    const records = history.items ?? history;
    expect(records[0]).toMatchObject({ type: 'saga-started' });
    expect(records.at(-1)).toMatchObject({ type: 'saga-completed' });
  });

  test('the same request again, its keys in another order: 200, the saga as it is, and nothing is called', async () => {
    const steps = twoSteps();
    const request = { id: 'twice', name: 'order', input: { a: 1, b: { c: 2, d: [1, 2] } }, steps };
    expect((await server.post('/v1/sagas', request)).status).toBe(201);
    await server.outcome('twice');
    const before = service.calls.length;
    const again = { steps, input: { b: { d: [1, 2], c: 2 }, a: 1 }, name: 'order', id: 'twice', deadline: '1h' };
    const answer = await server.post('/v1/sagas', again);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: 'twice', status: 'completed' });
    expect(service.calls.length).toBe(before);
  });

  test('the same id with another input, name or steps: 409, and nothing is called', async () => {
    const request = { id: 'taken', name: 'order', input: 1, steps: twoSteps() };
    await server.post('/v1/sagas', request);
    await server.outcome('taken');
    const before = service.calls.length;
    const others = [{ input: 2 }, { name: 'other' }, { steps: twoSteps().slice(0, 1) }];
    for (const other of others) {
      const answer = await server.post('/v1/sagas', { ...request, ...other });
      expect(answer.status).toBe(409);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(typeof answer.body.code).toBe('string');
    }
    expect(service.calls.length).toBe(before);
  });

  test('without an id it gets one; a hundred at once with one id are one saga', async () => {
    const request = { name: 'order', input: null, steps: twoSteps() };
    const { status, body } = await server.post('/v1/sagas', request);
    expect([status, typeof body.id]).toEqual([201, 'string']);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => server.post('/v1/sagas', { ...request, id: 'crowd' })),
    );
    const created = answers.filter((answer) => answer.status === 201);
    expect([created.length, answers.filter((answer) => answer.status === 200).length]).toEqual([1, 99]);
    await server.outcome('crowd');
    expect(service.done.get('crowd/charge')).toBe(1);
    expect(service.callsOf('charge').filter(({ saga }) => saga === 'crowd').length).toBe(1);
  });

  test('`after: []` starts at once, a diamond waits for both of its sides', async () => {
    const order: string[] = [];
    const slow = (name: string) =>
      service.url(name, () => {
        order.push(`${name} begins`);
        return { afterMs: 60, body: { from: name } };
      });
    const step = (name: string, after: readonly string[]) => ({
      name,
      action: { url: slow(name) },
      readOnly: true,
      after,
    });
    await server.post('/v1/sagas', {
      id: 'diamond',
      name: 'diamond',
      input: null,
      steps: [step('left', []), step('right', []), step('join', ['left', 'right'])],
    });
    expect((await server.outcome('diamond')).body.status).toBe('completed');
    expect(order.slice(0, 2).toSorted()).toEqual(['left begins', 'right begins']);
    expect(order[2]).toBe('join begins');
    const [left, right] = [service.callsOf('left')[0], service.callsOf('right')[0]];
    expect(Math.abs((left?.atMs ?? 0) - (right?.atMs ?? 0))).toBeLessThan(60);
  });

  test('`$from` takes parts of the input and of results; a path that is not there fails the step for certain', async () => {
    const steps = [
      {
        name: 'reserve',
        action: { url: service.url('with-result', () => ({ body: { id: 'r-7', price: { pence: 5 } } })) },
        compensation: { url: service.url('release') },
      },
      {
        name: 'charge',
        action: { url: service.url('takes-parts') },
        compensation: { url: service.url('refund') },
        input: {
          who: { $from: 'input.customer.name' },
          what: { $from: 'results.reserve.id' },
          list: [1, { $from: 'input.n' }],
        },
      },
    ];
    const input = { customer: { name: 'Ada' }, n: 3 };
    await server.post('/v1/sagas', { id: 'parts', name: 'parts', input, steps });
    expect((await server.outcome('parts')).body.status).toBe('completed');
    expect(service.callsOf('takes-parts')[0]?.body).toEqual({ who: 'Ada', what: 'r-7', list: [1, 3] });
    await server.post('/v1/sagas', { id: 'no-parts', name: 'parts', input: { n: 1 }, steps });
    const outcome = await server.outcome('no-parts');
    expect(outcome.body).toMatchObject({ status: 'compensated', failure: { step: 'charge' } });
    expect(service.callsOf('takes-parts').length).toBe(1);
    expect(service.undone.get('no-parts/reserve')).toBe(1);
  });
});

describe('a request that is refused stores nothing and calls nobody', () => {
  const action = { url: 'http://127.0.0.1:9/x' };
  const fine = { name: 'a', action, readOnly: true };
  const wrong: readonly (readonly [string, number, unknown])[] = [
    ['an id with a slash', 422, { id: 'a/b', name: 'n', steps: [fine] }],
    ['the id ..', 422, { id: '..', name: 'n', steps: [fine] }],
    ['an empty id', 422, { id: '', name: 'n', steps: [fine] }],
    ['an id of 201 characters', 422, { id: 'x'.repeat(201), name: 'n', steps: [fine] }],
    ['no name', 422, { steps: [fine] }],
    ['a saga that is not registered', 422, { name: 'nobody-knows', input: 1 }],
    ['a step without a name', 422, { name: 'n', steps: [{ action }] }],
    ['two steps of one name', 422, { name: 'n', steps: [fine, fine] }],
    ['no steps', 422, { name: 'n', steps: [] }],
    ['after a step that is not there', 422, { name: 'n', steps: [{ ...fine, after: ['z'] }] }],
    [
      'a circle',
      422,
      {
        name: 'n',
        steps: [
          { ...fine, after: ['b'] },
          { ...fine, name: 'b', after: ['a'] },
        ],
      },
    ],
    ['no compensation before a pivot, and not read only', 422, { name: 'n', steps: [{ name: 'a', action }] }],
    ['a header of the protocol', 422, { name: 'n', headers: { 'Makegood-Epoch': '9' }, steps: [fine] }],
    ['a header of the connection', 422, { name: 'n', headers: { Host: 'evil' }, steps: [fine] }],
    ['a header with a line break', 422, { name: 'n', headers: { 'x-a': 'b\r\nx-c: d' }, steps: [fine] }],
    [
      'a reserved header of a call',
      422,
      { name: 'n', steps: [{ ...fine, action: { ...action, headers: { 'Idempotency-Key': 'k' } } }] },
    ],
    ['no URL', 422, { name: 'n', steps: [{ ...fine, action: { url: 'not a url' } }] }],
    ['a file', 422, { name: 'n', steps: [{ ...fine, action: { url: 'file:///etc/passwd' } }] }],
    ['a bad duration', 422, { name: 'n', deadline: 'soon', steps: [fine] }],
    ['a negative number of attempts', 422, { name: 'n', steps: [{ ...fine, retry: { maxAttempts: -1 } }] }],
    ['JSON that breaks off', 400, '{"name": "n", '],
    ['a list', 422, []],
    ['depth', 422, `{"name":"n","input":${'['.repeat(100)}${']'.repeat(100)},"steps":[]}`],
  ];

  test.each(wrong)('%s: %i', async (_, status, body) => {
    const before = service.calls.length;
    const answer = await server.ask('POST', '/v1/sagas', body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, code: expect.stringMatching(/^[a-z0-9-]+$/i) });
    expect(service.calls.length).toBe(before);
    expect((await server.get('/v1/sagas?name=n')).body.items).toEqual([]);
  });

  test('a body of more than 1 MiB: 413; one that is not JSON by its type: 415', async () => {
    const large = await server.post('/v1/sagas', { name: 'n', input: 'x'.repeat(1_100_000), steps: [fine] });
    expect(large.status).toBe(413);
    const text = await server.ask('POST', '/v1/sagas', '{}', { 'content-type': 'text/plain' });
    expect(text.status).toBe(415);
  });

  test('what is not there: 404 for a saga, and for a path; another method: 405', async () => {
    expect((await server.get('/v1/sagas/nobody')).status).toBe(404);
    expect((await server.get('/v1/sagas/nobody/history')).status).toBe(404);
    expect((await server.get('/v1/sagas/nobody/outcome')).status).toBe(404);
    expect((await server.post('/v1/sagas/nobody/cancel')).status).toBe(404);
    expect((await server.get('/v2/sagas')).status).toBe(404);
    expect((await server.ask('PATCH', '/v1/sagas')).status).toBe(405);
  });
});
