import { DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import { instruments, openTelemetry, shortNames } from '../../../src/adapters/opentelemetry/index.ts';
import { constant } from '../../../src/backoff/index.ts';
import { circuitBreaker, consecutiveFailures } from '../../../src/guards/index.ts';
import { memoryJournal } from '../../../src/journal/index.ts';
import { retry } from '../../../src/retry/index.ts';
import { saga } from '../../../src/saga/index.ts';
import { openTempo } from '../../../src/tempo/index.ts';
import { testClock } from '../../../src/testing/index.ts';
import { pointsOf, sdkWorld } from './sdk-world.ts';

const page = { 'makegood.operation.name': 'page' };
const fail = (): Promise<never> => Promise.reject(new Error('busy'));

test('retries are counted by operation and error, and their delays kept in seconds', async () => {
  const clock = testClock();
  const { telemetry, metrics } = sdkWorld();
  let calls = 0;
  const call = retry(
    async () => {
      calls += 1;
      if (calls < 3) throw Object.assign(new Error('busy'), { status: calls === 1 ? 503 : 429 });
    },
    telemetry.retry({ name: 'page', retryable: () => true, backoff: constant(1500), clock }),
  );
  await clock.runAll();
  await call;
  const seen = await metrics();
  expect(pointsOf(seen.get('makegood.retries'))).toEqual([
    [{ ...page, 'error.type': '503' }, 1],
    [{ ...page, 'error.type': '429' }, 1],
  ]);
  expect(pointsOf(seen.get('makegood.attempts'))).toEqual([
    [{ ...page, 'makegood.attempt.outcome': 'failure', 'error.type': '503' }, 1],
    [{ ...page, 'makegood.attempt.outcome': 'failure', 'error.type': '429' }, 1],
    [{ ...page, 'makegood.attempt.outcome': 'success' }, 1],
  ]);
  const delay = seen.get('makegood.retry.delay');
  expect(pointsOf(delay)).toEqual([[page, 2]]);
  expect(sumOf(delay)).toBe(3);
  expect(pointsOf(seen.get('makegood.operation.duration'))).toEqual([
    [{ ...page, 'makegood.operation.outcome': 'success' }, 1],
  ]);
  expect(sumOf(seen.get('makegood.operation.duration'))).toBe(3);
});

function sumOf(metric: MetricData | undefined): number | undefined {
  return metric?.dataPointType === DataPointType.HISTOGRAM ? metric.dataPoints[0]?.value.sum : undefined;
}

test('a step of a saga counts as an operation, and a saga by how it ended', async () => {
  const clock = testClock();
  const { telemetry, metrics } = sdkWorld();
  let calls = 0;
  const charge = async (): Promise<void> => {
    if (++calls === 1) throw Object.assign(new Error('busy'), { code: 'EBUSY' });
  };
  const policy = { maxAttempts: 2, backoff: constant(2000), retryable: () => true };
  const order = saga('order').input<null>().step('charge', { run: charge, retry: policy, readOnly: true }).output();
  await using tempo = await openTempo({
    journal: memoryJournal(),
    sagas: [order],
    clock,
    observer: telemetry.observer,
  });
  await tempo.start(order, { id: 'order-1', input: null });
  const atFirst = await metrics();
  expect(pointsOf(atFirst.get('makegood.sagas.active'))).toEqual([[{}, 1]]);
  expect(pointsOf(atFirst.get('makegood.sagas.escalated'))).toEqual([[{ 'makegood.saga.name': 'order' }, 0]]);
  await clock.runAll();
  const seen = await metrics();
  const operation = { 'makegood.operation.name': 'order/charge' };
  expect(pointsOf(seen.get('makegood.retries'))).toEqual([[{ ...operation, 'error.type': 'EBUSY' }, 1]]);
  expect(pointsOf(seen.get('makegood.attempts'))).toEqual([
    [{ ...operation, 'makegood.attempt.outcome': 'failure', 'error.type': 'EBUSY' }, 1],
    [{ ...operation, 'makegood.attempt.outcome': 'success' }, 1],
  ]);
  expect(pointsOf(seen.get('makegood.saga.duration'))).toEqual([
    [{ 'makegood.saga.name': 'order', 'makegood.saga.outcome': 'completed' }, 1],
  ]);
  expect(sumOf(seen.get('makegood.saga.duration'))).toBe(2);
  expect(pointsOf(seen.get('makegood.sagas.active'))).toEqual([[{}, 0]]);
});

test('every instrument has a dotted name in the singular space of makegood and a unit in UCUM', () => {
  for (const [name, { unit, kind }] of Object.entries(instruments)) {
    expect(name).toMatch(/^makegood(?:\.[a-z]+)+$/);
    expect(unit).toMatch(kind === 'histogram' ? /^s$/ : /^\{[a-z]+\}$/);
  }
});

test('names made of ids do not grow without bound: beyond the limit they are _OTHER', async () => {
  const { telemetry, metrics } = sdkWorld({ nameLimit: 3 });
  for (let id = 0; id < 10; id++) await retry(async () => id, telemetry.retry({ name: `user ${id}` }));
  const points = pointsOf((await metrics()).get('makegood.attempts'));
  expect(points.map(([attributes, value]) => [Object.values(attributes)[0], value])).toEqual([
    ['user 0', 1],
    ['user 1', 1],
    ['user 2', 1],
    ['_OTHER', 7],
  ]);
});

test('a metric is told under its second name too', async () => {
  const { telemetry, metrics } = sdkWorld({ aliases: shortNames });
  let calls = 0;
  const once = async (): Promise<void> => {
    if (++calls === 1) throw new Error('busy');
  };
  await retry(once, telemetry.retry({ name: 'page', retryable: () => true, backoff: constant(0) }));
  const seen = await metrics();
  expect(pointsOf(seen.get('retry.count'))).toEqual(pointsOf(seen.get('makegood.retries')));
  expect(seen.get('retry.backoff')?.descriptor.unit).toBe('s');
});

test('limits are checked at the entrance', () => {
  expect(() => openTelemetry({ nameLimit: 0 })).toThrow('Expected nameLimit to be an integer ≥ 1, got 0');
  expect(() => openTelemetry({ sagaSpanLimit: 0.5 })).toThrow('Expected sagaSpanLimit to be an integer ≥ 1, got 0.5');
});

test('without traces or metrics, each is told to nobody and costs nothing', async () => {
  const { telemetry, spans, metrics } = sdkWorld({ tracerProvider: false, meterProvider: false });
  await retry(async () => 1, telemetry.retry({ name: 'page' }));
  expect(spans()).toEqual([]);
  expect([...(await metrics()).keys()]).toEqual([]);
});

test('a breaker counts as open from its first opening until it closes, and its refusals by code', async () => {
  const clock = testClock();
  const { telemetry, metrics, named } = sdkWorld();
  const { observer } = telemetry;
  const payments = { name: 'payments', trip: consecutiveFailures(1), openFor: '1s', clock, observer } as const;
  const breaker = circuitBreaker(payments);
  const charge = (run: () => Promise<unknown>): Promise<unknown> =>
    retry(run, telemetry.retry({ name: 'charge', maxAttempts: 1, guards: [breaker], clock })).catch(() => undefined);
  await charge(fail);
  await charge(fail);
  await clock.advance(1000);
  await charge(fail);
  const guard = { 'makegood.guard.name': 'payments' };
  const open = await metrics();
  expect(pointsOf(open.get('makegood.breakers.open'))).toEqual([[guard, 1]]);
  expect(pointsOf(open.get('makegood.guard.refusals'))).toEqual([
    [{ ...guard, 'error.type': 'MAKEGOOD_CIRCUIT_OPEN' }, 1],
  ]);
  expect(pointsOf(open.get('makegood.breaker.transitions'))).toEqual([
    [{ ...guard, 'makegood.breaker.state': 'open' }, 2],
    [{ ...guard, 'makegood.breaker.state': 'half-open' }, 1],
  ]);
  await clock.advance(1000);
  await charge(async () => 'paid');
  expect(pointsOf((await metrics()).get('makegood.breakers.open'))).toEqual([[guard, 0]]);
  const notes = named('charge attempt').map((span) => span.events.map(({ name }) => name));
  expect(notes).toEqual([
    ['breaker.opened'],
    ['guard.refused'],
    ['breaker.half-opened', 'breaker.opened'],
    ['breaker.half-opened', 'breaker.closed'],
  ]);
});
