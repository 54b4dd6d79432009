import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { traceHeaders } from '../../../src/adapters/opentelemetry/index.ts';
import { constant } from '../../../src/backoff/index.ts';
import { type Journal, memoryJournal, openWalJournal } from '../../../src/journal/index.ts';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { openTempo } from '../../../src/tempo/index.ts';
import { memoryFiles, testClock } from '../../../src/testing/index.ts';
import { sdkWorld, seen } from './sdk-world.ts';

const retry = { maxAttempts: 3, backoff: constant(1000), retryable: () => true };

/** An order whose charge does as it is told. */
function orderSaga(charge: () => unknown, reserve: () => unknown = () => 'r1') {
  return saga('place-order')
    .input<null>()
    .step('reserve', { run: reserve, compensate: () => undefined })
    .step('charge', { run: charge, compensate: () => undefined, retry })
    .output();
}

test('a saga is a span, and each attempt at a step a child of it', async () => {
  const clock = testClock();
  const { telemetry, spans, named, tracer } = sdkWorld();
  let calls = 0;
  const traced = telemetry.saga(
    orderSaga(
      () => {
        if (++calls === 1) throw Object.assign(new Error('busy'), { code: 'EBUSY' });
        return 'c1';
      },
      async () => {
        await Promise.resolve();
        tracer.startSpan('request').end();
        return 'r1';
      },
    ),
  );
  await using tempo = await openTempo({
    journal: memoryJournal(),
    sagas: [traced],
    clock,
    observer: telemetry.observer,
  });
  const run = await tempo.start(traced, { id: 'order-1', input: null });
  await clock.runAll();
  expect(await run.outcome()).toMatchObject({ status: 'completed' });
  const [whole] = named('saga place-order');
  expect(whole && seen(whole)).toEqual({
    name: 'saga place-order',
    status: 'UNSET',
    attributes: {
      'makegood.saga.id': 'order-1',
      'makegood.saga.name': 'place-order',
      'makegood.saga.epoch': 1,
      'makegood.saga.outcome': 'completed',
    },
  });
  const [reserve] = named('place-order/reserve attempt');
  const [failed, charged] = named('place-order/charge attempt');
  expect(failed && seen(failed)).toMatchObject({
    status: 'ERROR',
    attributes: { 'makegood.attempt.number': 1, 'makegood.saga.step': 'charge', 'error.type': 'EBUSY' },
  });
  expect(charged && seen(charged)).toMatchObject({
    status: 'UNSET',
    attributes: { 'makegood.attempt.number': 2, 'http.request.resend_count': 1 },
  });
  expect(charged?.links.map((link) => link.context.spanId)).toEqual([failed?.spanContext().spanId]);
  for (const span of [reserve, failed, charged]) {
    expect(span?.parentSpanContext?.spanId).toBe(whole?.spanContext().spanId);
  }
  expect(named('request')[0]?.parentSpanContext?.spanId).toBe(reserve?.spanContext().spanId);
  expect(spans()).toHaveLength(5);
});

test('a saga that was undone is marked ERROR with what made it fail; its compensations are spans too', async () => {
  const { telemetry, named } = sdkWorld();
  const traced = telemetry.saga(
    orderSaga(() => {
      throw new TerminalError('card declined', { code: 'DECLINED' });
    }),
  );
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [traced], observer: telemetry.observer });
  const run = await tempo.start(traced, { id: 'order-1', input: null });
  expect(await run.outcome()).toMatchObject({ status: 'compensated' });
  const [whole] = named('saga place-order');
  expect(whole?.status.code).toBe(SpanStatusCode.ERROR);
  expect(whole?.attributes).toMatchObject({ 'makegood.saga.outcome': 'compensated', 'error.type': 'DECLINED' });
  expect(whole?.events.map(({ name }) => name)).toEqual(['saga-compensating']);
  expect(named('place-order/reserve/compensation attempt')).toHaveLength(1);
});

test('after a restart a saga goes on in the trace it was started in, and its attempts link to where it began', async () => {
  const [clock, files] = [testClock(), memoryFiles()];
  const open = (): Promise<Journal> => openWalJournal('log', { files, clock });
  const world = sdkWorld();
  const { tracer, telemetry, named } = world;
  const origin = tracer.startSpan('checkout');
  const headers = context.with(trace.setSpan(context.active(), origin), () => traceHeaders({ tenant: 'a' }));
  expect(headers).toMatchObject({ tenant: 'a', traceparent: expect.stringContaining(origin.spanContext().traceId) });

  const failing = orderSaga(() => Promise.reject(new Error('busy')));
  const first = await openTempo({ journal: await open(), sagas: [failing], clock, observer: telemetry.observer });
  await first.start(failing, { id: 'order-1', input: null, headers });
  await clock.settle();
  await first.close();
  telemetry.close();
  expect(named('saga place-order')[0]?.attributes).toMatchObject({ 'makegood.saga.outcome': 'parked' });

  const later = sdkWorld();
  const working = later.telemetry.saga(orderSaga(() => 'c1'));
  const observer = later.telemetry.observer;
  await using second = await openTempo({ journal: await open(), sagas: [working], clock, observer });
  await clock.runAll();
  expect(await second.get('order-1')).toMatchObject({ status: 'completed' });
  const [whole] = later.named('saga place-order');
  expect(whole?.attributes).toMatchObject({ 'makegood.saga.resumed': true, 'makegood.saga.epoch': 2 });
  expect(whole?.spanContext().traceId).toBe(origin.spanContext().traceId);
  expect(whole?.links.map((link) => link.context.spanId)).toEqual([origin.spanContext().spanId]);
  const [charged] = later.named('place-order/charge attempt');
  expect(charged?.attributes).toMatchObject({ 'makegood.attempt.number': 2 });
  expect(charged?.links.map((link) => link.context.spanId)).toEqual([origin.spanContext().spanId]);
});

test('beyond the limit sagas have no span, and all of them are counted', async () => {
  const { telemetry, named, metrics } = sdkWorld({ sagaSpanLimit: 1 });
  const gate = Promise.withResolvers<string>();
  const definition = orderSaga(() => gate.promise);
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [definition], observer: telemetry.observer });
  const runs = await Promise.all(['a', 'b'].map((id) => tempo.start(definition, { id, input: null })));
  gate.resolve('c1');
  await Promise.all(runs.map((run) => run.outcome()));
  expect(named('saga place-order')).toHaveLength(1);
  expect((await metrics()).get('makegood.sagas.started')?.dataPoints[0]?.value).toBe(2);
});
