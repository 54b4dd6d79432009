import { describe, expect, test } from 'vitest';
import { saga } from '../../../src/saga/saga.ts';
import { open, request, step } from './bench.ts';

const bare = (name: string): object => ({ name, action: { url: `http://p/${name}` } });
const ok = (): Response => Response.json({ ok: true });

describe('starting a saga with its steps', () => {
  test('201 with Location once it is durable; the steps run in order and the results are its output', async () => {
    await using bench = await open();
    const started = await bench.ask('POST', '/v1/sagas', request('t-1', [step('car'), step('hotel')]));
    expect(started).toMatchObject({ status: 201, body: { id: 't-1', name: 'trip', version: '1' } });
    expect(started.headers.get('location')).toBe('/v1/sagas/t-1');
    await bench.clock.settle();
    const { body } = await bench.ask('GET', '/v1/sagas/t-1');
    expect(body).toMatchObject({
      status: 'completed',
      output: { car: { id: 'car-action' }, hotel: { id: 'hotel-action' } },
    });
    expect(bench.calls()).toEqual(['action car 1', 'action hotel 1']);
  });

  test('200 for the same id and request, whatever the order of keys, headers or deadline; nothing is driven again', async () => {
    await using bench = await open();
    await bench.ask('POST', '/v1/sagas', request('t-1', [step('car')]));
    await bench.clock.settle();
    const reordered = { steps: [step('car')] as never, input: { who: 'Ada' }, name: 'trip', id: 't-1', deadline: '1h' };
    const again = await bench.ask('POST', '/v1/sagas', { ...reordered, headers: { 'x-tenant': 'b' } });
    expect(again).toMatchObject({ status: 200, body: { status: 'completed' } });
    await bench.clock.settle();
    expect(bench.calls()).toEqual(['action car 1']);
  });

  test.each([
    ['name', { name: 'journey' }],
    ['version', { version: '2' }],
    ['input', { input: { who: 'Bob' } }],
    ['steps', { steps: [step('boat')] as never }],
  ])('409 for the same id with another %s', async (_, other) => {
    await using bench = await open();
    await bench.ask('POST', '/v1/sagas', request('t-1', [step('car')]));
    await bench.clock.settle();
    const refused = await bench.ask('POST', '/v1/sagas', request('t-1', [step('car')], other));
    expect(refused).toMatchObject({ status: 409, body: { code: 'saga-conflict' } });
  });

  test('a registered saga of the same name is another request than one with steps', async () => {
    const trip = saga('trip')
      .input()
      .step('car', { run: () => 1, readOnly: true })
      .output();
    await using bench = await open({ sagas: [trip] });
    expect(await bench.ask('POST', '/v1/sagas', { id: 't-1', name: 'trip' })).toMatchObject({ status: 201 });
    const refused = await bench.ask('POST', '/v1/sagas', request('t-1', [step('car')], { input: null }));
    expect(refused).toMatchObject({ status: 409 });
    expect(await bench.ask('POST', '/v1/sagas', { name: 'tripp' })).toMatchObject({
      status: 422,
      body: { code: 'unknown-saga', detail: expect.stringContaining('trip') },
    });
  });

  test('what is sent: the protocol headers, the headers of saga, step and call, and the input', async () => {
    await using bench = await open();
    const call = { url: 'http://p/car', method: 'PUT' as const, headers: { 'X-Call': '3' } };
    const steps = [step('car', { action: call, headers: { 'X-Step': '2' }, timeout: '5s' })];
    await bench.ask('POST', '/v1/sagas', request('t-1', steps, { headers: { 'X-Saga': '1' } }));
    await bench.clock.settle();
    const [sent] = bench.participants.calls;
    expect(sent).toMatchObject({ url: 'http://p/car', method: 'PUT', body: '{"who":"Ada"}' });
    expect(sent?.headers).toMatchObject({
      'X-Saga': '1',
      'X-Step': '2',
      'X-Call': '3',
      'Idempotency-Key': 't-1/car/action',
      'Makegood-Saga': 't-1',
      'Makegood-Step': 'car',
      'Makegood-Phase': 'action',
      'Makegood-Attempt': '1',
      'Makegood-Deadline': '5000',
    });
  });
});

describe('the input of a step', () => {
  test("$from takes the saga's input and earlier results, anywhere in literal JSON", async () => {
    await using bench = await open({ routes: { 'http://p/': () => Response.json({ 'a.b': [{ id: 7 }] }) } });
    const input = { rate: 2, who: { $from: 'input.who' }, deep: [{ $from: 'results.the.car.a.b.0.id' }, '$from'] };
    const steps = [step('the.car'), step('hotel', { input })];
    await bench.ask('POST', '/v1/sagas', request('t-1', steps));
    await bench.clock.settle();
    expect(JSON.parse(bench.participants.calls[1]?.body ?? '')).toEqual({ rate: 2, who: 'Ada', deep: [7, '$from'] });
  });

  test.each(['results.car.nothing', 'results.boat', 'input.constructor', 'elsewhere'])(
    'a path to nothing (%s) fails the step definitely: nothing is sent, what came before is undone',
    async (path) => {
      await using bench = await open();
      await bench.ask('POST', '/v1/sagas', request('t-1', [step('car'), step('hotel', { input: { $from: path } })]));
      await bench.clock.settle();
      expect(bench.calls()).toEqual(['action car 1', 'compensation car 1']);
      const { body } = await bench.ask('GET', '/v1/sagas/t-1');
      expect(body).toMatchObject({ status: 'compensated', reason: 'failed', failure: { step: 'hotel' } });
      expect(body.steps[1]).toMatchObject({ name: 'hotel', state: 'failed' });
    },
  );
});

describe('the order of steps', () => {
  test('after: [] begins at once, after: [names] waits for those alone', async () => {
    const opened = Promise.withResolvers<Response>();
    await using bench = await open({ routes: { 'http://p/slow': () => opened.promise, 'http://p/': ok } });
    const steps = [
      step('slow', { timeout: '1h' }),
      step('b', { after: [] }),
      step('c', { after: ['b'] }),
      step('d', { after: ['slow', 'c'] }),
    ];
    await bench.ask('POST', '/v1/sagas', request('t-1', steps));
    await bench.clock.advance(1);
    expect(bench.calls()).toEqual(['action slow 1', 'action b 1', 'action c 1']);
    opened.resolve(ok());
    await bench.clock.advance(1);
    expect(bench.calls().at(-1)).toBe('action d 1');
  });

  test('a definite refusal undoes in reverse order of completion, with input and output', async () => {
    const routes = {
      'http://p/c': () => Response.json({ code: 'FULL', message: 'no room' }, { status: 409 }),
      'http://p/': ok,
    };
    await using bench = await open({ routes });
    await bench.ask('POST', '/v1/sagas', request('t-1', [step('a'), step('b'), step('c')]));
    await bench.clock.settle();
    expect(bench.calls()).toEqual(['action a 1', 'action b 1', 'action c 1', 'compensation b 1', 'compensation a 1']);
    expect(JSON.parse(bench.participants.calls.at(-1)?.body ?? '')).toEqual({
      input: { who: 'Ada' },
      output: { ok: true },
    });
    const { body } = await bench.ask('GET', '/v1/sagas/t-1');
    expect(body).toMatchObject({ status: 'compensated', failure: { code: 'FULL', message: 'no room', step: 'c' } });
    expect(
      body.steps.map((own: { state: string; compensation: { state: string } }) => [own.state, own.compensation.state]),
    ).toEqual([
      ['compensated', 'compensated'],
      ['compensated', 'compensated'],
      ['failed', 'pending'],
    ]);
  });

  test('a pivot needs no compensation, nor what follows it; past it a refusal asks a person', async () => {
    const routes = { 'http://p/mail': () => new Response(null, { status: 409 }), 'http://p/': ok };
    await using bench = await open({ routes });
    const steps = [step('car'), { ...bare('pay'), pivot: true }, bare('mail')] as never;
    await bench.ask('POST', '/v1/sagas', request('t-1', steps));
    await bench.clock.settle();
    expect((await bench.ask('GET', '/v1/sagas/t-1')).body).toMatchObject({ status: 'needs-human' });
    expect((await bench.ask('POST', '/v1/sagas/t-1/cancel')).body.code).toBe('past-pivot');
  });
});

describe('422 names what is wrong, and stores nothing', () => {
  const url = 'http://p/x';
  test.each([
    ['unknown-step', [step('a', { after: ['b'] })]],
    ['cycle', [step('a', { after: ['b'] }), step('b', { after: ['a'] })]],
    ['cycle', [step('a', { after: ['a'] })]],
    ['compensation-missing', [{ name: 'a', action: { url } }]],
    [
      'compensation-missing',
      [
        { name: 'a', action: { url } },
        { name: 'b', action: { url }, pivot: true },
      ],
    ],
    ['reserved-header', [step('a', { action: { url, headers: { 'Makegood-Saga': 'x' } } })]],
    ['reserved-header', [step('a', { action: { url, headers: { 'content-type': 'x' } } })]],
    ['reserved-header', [step('a', { headers: { Host: 'x' } })]],
    ['reserved-header', [step('a', { compensation: { url, headers: { 'x-a': 'a\r\nb: c' } } })]],
    ['invalid', [step('a'), step('a')]],
    ['invalid', [step('a b')]],
    ['invalid', [step('..')]],
    ['invalid', [step('a', { action: { url: 'ftp://p/' } })]],
    ['invalid', [step('a', { action: { url: 'http://user:secret@p/' } })]],
    ['invalid', [step('a', { timeout: 'soon' as never })]],
    ['invalid', [step('a', { retry: { maxAttempts: 0 } })]],
    ['invalid', [step('a', { retry: { backoff: { kind: 'exponential', initialDelay: '1s', maxDelay: '100ms' } } })]],
    ['invalid', [{ ...step('a'), pviot: true }]],
    ['invalid', [step('a', { readOnly: true })]],
    ['invalid', [step('a', { pivot: true }), step('b', { pivot: true })]],
    ['invalid', [step('a', { pivot: true }), step('b', { after: [] })]],
    ['invalid', []],
  ])('%s: %j', async (code, steps) => {
    await using bench = await open();
    const refused = await bench.ask('POST', '/v1/sagas', request('t-1', steps as never));
    expect(refused).toMatchObject({ status: 422, body: { code } });
    expect((await bench.ask('GET', '/v1/sagas/t-1')).status).toBe(404);
    expect(bench.calls()).toEqual([]);
  });

  test('a reserved header of the saga', async () => {
    await using bench = await open();
    for (const name of ['Host', 'Connection', 'Content-Length', 'Idempotency-Key', 'makegood-epoch']) {
      const refused = await bench.ask('POST', '/v1/sagas', request('t-1', [step('a')], { headers: { [name]: 'x' } }));
      expect(refused).toMatchObject({ status: 422, body: { code: 'reserved-header' } });
    }
  });
});

describe('retrying', () => {
  test("by the step's own rules: statuses and classes, and a definite refusal never", async () => {
    let status = 503;
    await using bench = await open({
      routes: { 'http://p/undo': ok, 'http://p/': () => new Response(null, { status }) },
    });
    const retry = {
      maxAttempts: 3,
      backoff: { kind: 'fixed' as const, initialDelay: '50ms' as const },
      retryOn: ['5xx' as const],
    };
    await bench.ask(
      'POST',
      '/v1/sagas',
      request('t-1', [step('a', { retry, compensation: { url: 'http://p/undo' } })]),
    );
    await bench.clock.advance(20_000);
    expect(bench.calls()).toEqual(['action a 1', 'action a 2', 'action a 3', 'compensation a 1']);
    status = 404;
    await bench.ask(
      'POST',
      '/v1/sagas',
      request('t-2', [step('a', { retry, compensation: { url: 'http://p/undo' } })]),
    );
    await bench.clock.advance(20_000);
    expect(bench.calls().slice(4)).toEqual(['action a 1', 'compensation a 1']);
    status = 409;
    const any = { ...retry, retryOn: [409 as const] };
    await bench.ask('POST', '/v1/sagas', request('t-3', [step('a', { retry: any })]));
    await bench.clock.advance(20_000);
    expect(bench.calls().slice(6)).toEqual(['action a 1']);
  });

  test('without rules everything but a definite refusal, 4 times', async () => {
    await using bench = await open({
      routes: { 'http://p/undo': ok, 'http://p/': () => new Response(null, { status: 404 }) },
    });
    await bench.ask('POST', '/v1/sagas', request('t-1', [step('a', { compensation: { url: 'http://p/undo' } })]));
    await bench.clock.advance(20_000);
    expect(bench.calls()).toEqual(['action a 1', 'action a 2', 'action a 3', 'action a 4', 'compensation a 1']);
    expect((await bench.ask('GET', '/v1/sagas/t-1')).body).toMatchObject({ reason: 'attempts-exhausted' });
  });

  test('a compensation 4 times, after 1, 2 and 4 s at most, then a person; retry numbers on', async () => {
    let undone = false;
    const undo = (): Response => new Response(null, { status: undone ? 410 : 500 });
    const routes = {
      'http://p/a/undo': undo,
      'http://p/b': () => new Response(null, { status: 409 }),
      'http://p/': ok,
    };
    await using bench = await open({ routes });
    await bench.ask('POST', '/v1/sagas', request('t-1', [step('a'), step('b')]));
    await bench.clock.advance(8000);
    expect(bench.calls().slice(2)).toEqual([1, 2, 3, 4].map((attempt) => `compensation a ${attempt}`));
    const { body: queue } = await bench.ask('GET', '/v1/attention');
    expect(queue.items).toMatchObject([{ sagaId: 't-1', step: 'a', reason: 'compensation', generation: 0 }]);
    undone = true;
    const decided = await bench.ask('POST', '/v1/sagas/t-1/steps/a/retry', { note: 'mended' });
    expect(decided.status).toBe(202);
    await bench.clock.settle();
    expect(bench.calls().at(-1)).toBe('compensation a 5');
    expect((await bench.ask('GET', '/v1/sagas/t-1')).body.status).toBe('compensated');
  });
});
