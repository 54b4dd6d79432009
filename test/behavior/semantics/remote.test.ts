import { describe, expect, test } from 'vitest';
import { http, type RemoteCaller } from '../../../src/outbound/index.ts';
import { RefusedError } from '../../../src/policy/refused-error.ts';
import { saga } from '../../../src/saga/index.ts';
import { type RemoteHandler, remoteParticipants, testTempo } from '../../../src/testing/index.ts';
import { open, stubborn } from './bench.ts';
import { ok, order, paceOf, run, script, told } from './remote-world.ts';

function noInput(): never {
  throw new RangeError('no such path');
}

describe('what is sent', () => {
  test('the input, then what is to be undone with what it answered, and which call it is', async () => {
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': script({ status: 409 }) });
    await using bench = await run(order(), caller);
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'compensated', reason: 'failed' });
    expect(told(caller)).toEqual(['reserve action 1', 'charge action 1', 'reserve compensation 1']);
    const [reserve, , release] = caller.calls;
    expect(reserve).toMatchObject({ url: 'http://stock/reserve', body: '{"sku":"tea"}', remainingMs: 3000 });
    expect(reserve?.headers).toMatchObject({ 'X-Tenant': 'a', 'Idempotency-Key': 'o/reserve/action' });
    expect(release).toMatchObject({ url: 'http://stock/release', body: '{"input":{"sku":"tea"},"output":"done"}' });
    expect(release?.headers).toMatchObject({
      'Idempotency-Key': 'o/reserve/compensation',
      'Makegood-Phase': 'compensation',
    });
  });

  test('an input of its own, the item of a list, and what a person gave instead', async () => {
    const caller = remoteParticipants({ 'http://a/': ok, 'http://b/': ok, 'http://c/': script({ status: 409 }) });
    const definition = saga('s')
      .input<{ sku: string }>()
      .step('a', http({ url: 'http://a/', compensateUrl: 'http://a/', input: ({ input }) => [input.sku] }))
      .forEach('b', () => [1, 2], { ...http({ url: 'http://b/', readOnly: true }), concurrency: 1 })
      .pivot('c', http({ url: 'http://c/', input: ({ results }) => results.a }))
      .step('d', http({ url: 'http://c/d' }))
      .output();
    await using bench = await run(definition, caller);
    expect(caller.calls.map(({ body }) => body)).toEqual([
      '["tea"]',
      '1',
      '2',
      '"done"',
      '{"input":["tea"],"output":"done"}',
    ]);
    const stuck = saga('t')
      .input<null>()
      .step('x', http({ url: 'http://a/', compensateUrl: 'http://c/' }));
    const given = stuck.step('y', http({ url: 'http://c/', compensateUrl: 'http://a/' })).output();
    bench.tempo.register(given);
    await bench.tempo.start(given, { id: 't', input: null });
    await bench.clock.settle();
    await bench.tempo.attention.retryWith('t', 'x', { by: 'ada', args: { other: true } });
    await bench.clock.settle();
    expect(caller.calls.at(-1)?.body).toBe('{"input":{"other":true},"output":"done"}');
  });

  test('what cannot be sent fails without an effect and without another attempt', async () => {
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': ok });
    await using bench = await run(order({ input: noInput, retry: {} }), caller);
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'compensated', failure: { step: 'charge' } });
    expect(told(caller)).toEqual(['reserve action 1', 'reserve compensation 1']);
  });
});

describe('§0 what an answer does to the attempt', () => {
  test('in progress: asked again at the pace that was asked for, as the same attempt, without using the budget', async () => {
    const later = { status: 202, headers: { 'Retry-After': '5' } };
    const bank = script(later, later, later, { status: 425 }, { status: 200, body: 7 });
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': bank });
    await using bench = await run(order(), caller);
    await bench.clock.advance(16_000);
    expect(await paceOf(bench)).toEqual([0, 5000, 10_000, 15_000, 16_000]);
    expect(new Set(told(caller).slice(1))).toEqual(new Set(['charge action 1']));
    expect(caller.calls.map(({ isPoll }) => isPoll)).toEqual([false, false, true, true, true, true]);
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'completed', steps: [{}, { output: 7, attempts: 1 }] });
  });

  test('in progress when the process dies, or while it asks: asked again as the same attempt, the last one too', async () => {
    const later = { status: 202, headers: { 'Retry-After': '5' } };
    const bank = script(later, later, { status: 200, body: 7 });
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': bank });
    const definition = order({ retry: stubborn(1) });
    // The process dies with the second question in its hands: written down, and not asked.
    await using tempo = await testTempo({ sagas: [definition], caller, crashAfter: 6 });
    const ended = await tempo.start(definition, { id: 'o', input: { sku: 'tea' } });
    expect(await tempo.until(ended.outcome())).toMatchObject({ status: 'completed' });
    expect(tempo.lives).toBe(2);
    expect(told(caller).slice(1)).toEqual(['charge action 1', 'charge action 1', 'charge action 1']);
  });

  test('429 and 503: not before Retry-After, and not when that is past the deadline', async () => {
    const busy = { status: 503, headers: { 'Retry-After': '9' } };
    const bank = script(busy, { status: 429, headers: { 'Retry-After': '60' } });
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': bank });
    const definition = saga('order', { deadline: '30s' })
      .input<{ sku: string }>()
      .step('charge', http({ url: 'http://bank/', compensateUrl: 'http://stock/', retry: { ...stubborn(4) } }))
      .output();
    await using bench = await run(definition, caller);
    await bench.clock.advance(30_000);
    expect(await paceOf(bench)).toEqual([0, 9000, 9000]);
    expect(told(caller)).toEqual(['charge action 1', 'charge action 2', 'charge compensation 1']);
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'compensated', reason: 'deadline' });
  });

  test.each([
    ['503 with Makegood-Effect: none', script({ status: 503, headers: { 'Makegood-Effect': 'none' } })],
    ['a refused connection', undefined],
  ])('%s: tried again, and then there is nothing to undo', async (_, bank) => {
    const caller = remoteParticipants({ 'http://stock/': ok, ...(bank === undefined ? {} : { 'http://bank/': bank }) });
    await using bench = await run(order(), caller);
    await bench.clock.advance(100);
    expect(told(caller)).toEqual(['reserve action 1', 'charge action 1', 'charge action 2', 'reserve compensation 1']);
    expect(await bench.tempo.get('o')).toMatchObject({
      status: 'compensated',
      reason: 'attempts-exhausted',
      steps: [{}, { state: 'failed' }],
    });
  });

  test('410 to a compensation is done; 409 asks a person at once', async () => {
    for (const [status, wanted] of [
      [410, 'compensated'],
      [409, 'needs-human'],
    ] as const) {
      const stock: RemoteHandler = ({ url }) => new Response(null, { status: url.endsWith('release') ? status : 204 });
      const caller = remoteParticipants({ 'http://stock/': stock, 'http://bank/': script({ status: 409 }) });
      await using bench = await run(order(), caller);
      expect(await bench.tempo.get('o')).toMatchObject({ status: wanted });
      expect(told(caller)).toHaveLength(3);
    }
  });

  test('409 keeps the words and the code of the participant', async () => {
    const bank = script({ status: 409, body: { code: 'DECLINED', message: 'no money' } });
    const caller = remoteParticipants({ 'http://stock/': ok, 'http://bank/': bank });
    await using bench = await run(order(), caller);
    expect((await bench.tempo.get('o'))?.failure).toEqual({ code: 'DECLINED', message: 'no money', step: 'charge' });
  });

  test('an answer that cannot be read is done, and whoever watches is told', async () => {
    const caller = remoteParticipants(
      { 'http://stock/': ok, 'http://bank/': ok },
      { fault: (_, n) => (n === 2 ? 'cut-off' : undefined) },
    );
    await using bench = await run(order(), caller);
    expect(await bench.tempo.get('o')).toMatchObject({ status: 'completed', steps: [{}, { output: null }] });
    const warning = 'the body of the answer 200 was not taken as the output: it broke off before its end';
    expect(bench.events).toContainEqual({
      type: 'saga.answer-unusable',
      sagaId: 'o',
      sagaName: 'order',
      step: 'charge',
      attempt: 1,
      warning,
    });
  });

  test('a guard that refuses costs no attempt, undoing and probing included', async () => {
    const refusal = new RefusedError('MAKEGOOD_CIRCUIT_OPEN', 'open', { guard: 'bank', retryAfterMs: 4000 });
    const participants = remoteParticipants(
      {
        'http://stock/': ok,
        'http://bank/status': script({ status: 200, body: { effect: 'applied' } }),
        'http://bank/': ok,
      },
      { fault: ({ phase }) => (phase === 'action' ? 'answer-lost' : undefined) },
    );
    const asked: Record<string, number> = {};
    const caller: RemoteCaller = {
      check: () => undefined,
      async call(call) {
        const number = (asked[call.phase] = (asked[call.phase] ?? 0) + 1);
        return number <= 3 ? { kind: 'refused', error: refusal } : participants.call(call);
      },
    };
    const definition = saga('order')
      .input<{ sku: string }>()
      .step(
        'charge',
        http({
          url: 'http://bank/charge',
          compensateUrl: 'http://bank/refund',
          statusUrl: 'http://bank/status',
          retry: stubborn(1),
          barrier: true,
        }),
      )
      .output();
    await using bench = await open([definition], { caller });
    const ended = await bench.tempo.start(definition, { id: 'o', input: { sku: 'tea' } });
    await bench.clock.advance(60_000);
    expect(await ended.outcome()).toMatchObject({ status: 'compensated' });
    expect(asked).toEqual({ action: 4, status: 4, compensation: 4 });
  });
});
