import { context, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { constant } from '../../../src/backoff/index.ts';
import { wrapWith, type Policy } from '../../../src/policy/index.ts';
import { retry, retryPolicy } from '../../../src/retry/index.ts';
import { recordingObserver, testClock } from '../../../src/testing/index.ts';
import { sdkWorld, seen } from './sdk-world.ts';

const always = { retryable: () => true, backoff: constant(0) } as const;

/** Fails `failures` times, then succeeds. */
function flaky(failures: number, error: () => unknown = () => new Error('busy')): () => Promise<string> {
  let calls = 0;
  return async () => {
    if (++calls <= failures) throw error();
    return 'done';
  };
}

const unavailable = (): Error => Object.assign(new Error('busy'), { status: 503 });

test('a retried call is a span, each attempt a child of it that links to the attempt before', async () => {
  const clock = testClock();
  const { telemetry, spans } = sdkWorld();
  const options = { name: 'page', maxAttempts: 4, retryable: () => true, backoff: constant(250), clock };
  const done = retry(flaky(2, unavailable), telemetry.retry(options));
  await clock.runAll();
  expect(await done).toBe('done');
  const operation = { 'makegood.operation.name': 'page' };
  expect(spans().map(seen)).toEqual([
    {
      name: 'page attempt',
      status: 'ERROR',
      attributes: {
        ...operation,
        'makegood.attempt.number': 1,
        'makegood.attempt.max': 4,
        'makegood.attempt.outcome': 'failure',
        'error.type': '503',
      },
    },
    {
      name: 'page attempt',
      status: 'ERROR',
      attributes: {
        ...operation,
        'makegood.attempt.number': 2,
        'makegood.attempt.max': 4,
        'makegood.retry.delay': 0.25,
        'http.request.resend_count': 1,
        'makegood.attempt.outcome': 'failure',
        'error.type': '503',
      },
    },
    {
      name: 'page attempt',
      status: 'UNSET',
      attributes: {
        ...operation,
        'makegood.attempt.number': 3,
        'makegood.attempt.max': 4,
        'makegood.retry.delay': 0.25,
        'http.request.resend_count': 2,
        'makegood.attempt.outcome': 'success',
      },
    },
    {
      name: 'page',
      status: 'UNSET',
      attributes: { ...operation, 'makegood.operation.outcome': 'success', 'makegood.attempt.count': 3 },
    },
  ]);
  const [first, second, third, call] = spans();
  expect([first, second, third].map((span) => span?.parentSpanContext?.spanId)).toEqual(
    Array.from({ length: 3 }, () => call?.spanContext().spanId),
  );
  expect([first, second, third].map((span) => span?.links.map((link) => link.context.spanId))).toEqual([
    [],
    [first?.spanContext().spanId],
    [second?.spanContext().spanId],
  ]);
  expect(call?.events.map(({ name, attributes }) => [name, attributes])).toEqual([
    ['retry.scheduled', { 'makegood.retry.delay': 0.25 }],
    ['retry.scheduled', { 'makegood.retry.delay': 0.25 }],
  ]);
});

test('a call that failed for good is marked ERROR, with what ended it; the error itself is untouched', async () => {
  const { telemetry, named } = sdkWorld();
  const error = Object.assign(new Error('no route'), { code: 'ECONNREFUSED' });
  const call = retry(() => Promise.reject(error), telemetry.retry({ name: 'page', maxAttempts: 2, ...always }));
  await expect(call).rejects.toBe(error);
  const [span] = named('page');
  expect(span?.status).toEqual({ code: 2, message: 'no route' });
  expect(span?.attributes).toMatchObject({
    'makegood.operation.outcome': 'attempts-exhausted',
    'makegood.attempt.count': 2,
    'error.type': 'ECONNREFUSED',
  });
});

test('a call that was cancelled is no error, also when it never began', async () => {
  const { telemetry, spans } = sdkWorld();
  const left = AbortSignal.abort(new Error('the user left'));
  await expect(retry(flaky(0), { ...telemetry.retry({ name: 'page' }), signal: left })).rejects.toThrow('left');
  expect(spans().map(seen)).toEqual([
    {
      name: 'page',
      status: 'UNSET',
      attributes: {
        'makegood.operation.name': 'page',
        'makegood.operation.outcome': 'aborted',
        'makegood.attempt.count': 0,
      },
    },
  ]);
});

test("the attempt's span is active while the function runs, so that what it calls is below that attempt", async () => {
  const { telemetry, tracer, named } = sdkWorld();
  const policy = retryPolicy(telemetry.retry({ name: 'page', maxAttempts: 3, ...always }));
  const fetchPage = flaky(1);
  const calls = Array.from({ length: 3 }, () =>
    policy.execute(async () => {
      await Promise.resolve();
      tracer.startSpan('request').end();
      return await fetchPage();
    }),
  );
  await Promise.all(calls);
  const attempts = named('page attempt').map((span) => span.spanContext().spanId);
  const parents = named('request').map((span) => span.parentSpanContext?.spanId);
  expect(parents).toHaveLength(4);
  expect(new Set(parents)).toEqual(new Set(attempts));
});

test('a call belongs to the trace it is made in, after any number of waits', async () => {
  const clock = testClock();
  const { telemetry, tracer, named } = sdkWorld();
  const outer = tracer.startSpan('request handler');
  const call = context.with(trace.setSpan(context.active(), outer), () =>
    retry(flaky(3), telemetry.retry({ name: 'page', retryable: () => true, backoff: constant(1000), clock })),
  );
  await clock.runAll();
  await call;
  expect(named('page')[0]?.parentSpanContext?.spanId).toBe(outer.spanContext().spanId);
  const traces = new Set(named('page attempt').map((span) => span.spanContext().traceId));
  expect([...traces]).toEqual([outer.spanContext().traceId]);
});

test('behind a guard that waits, a function runs in no span rather than in that of another call', async () => {
  const { telemetry, named } = sdkWorld();
  const waiting: Policy = {
    async execute(fn, options) {
      await Promise.resolve();
      await Promise.resolve();
      return fn(options as never);
    },
    wrap: (fn) => wrapWith(waiting, fn),
  };
  const seenSpans: (string | undefined)[] = [];
  const misplaced = retry(async () => void seenSpans.push(trace.getActiveSpan()?.spanContext().spanId), {
    observer: telemetry.observer,
    guards: [waiting, telemetry.guard],
    name: 'late',
  });
  await Promise.all([misplaced, retry(async () => 1, { observer: telemetry.observer, name: 'other' })]);
  expect(named('other attempt')).toHaveLength(1);
  expect(seenSpans).toEqual([undefined]);
});

test("a guard's refusal ends the call as an error named by the guard's code", async () => {
  const { telemetry, named } = sdkWorld();
  const open: Policy = {
    execute: () => Promise.reject(Object.assign(new Error('open'), { code: 'MAKEGOOD_CIRCUIT_OPEN' })),
    wrap: (fn) => wrapWith(open, fn),
  };
  await expect(retry(flaky(0), telemetry.retry({ name: 'page', guards: [open] }))).rejects.toThrow('open');
  expect(named('page')[0]?.attributes).toMatchObject({
    'makegood.operation.outcome': 'guard-open',
    'error.type': 'MAKEGOOD_CIRCUIT_OPEN',
  });
});

test('an observer of its own is still told, and names can be told under second ones too', async () => {
  const theirs = recordingObserver();
  const { telemetry, named } = sdkWorld({ aliases: { 'makegood.attempt.number': 'retry.attempt' } });
  await retry(flaky(0), telemetry.retry({ name: 'page', observer: theirs }));
  expect(theirs.events.map(({ type }) => type)).toEqual([
    'retry.attempt-started',
    'retry.attempt-ended',
    'retry.succeeded',
  ]);
  expect(named('page attempt')[0]?.attributes).toMatchObject({ 'makegood.attempt.number': 1, 'retry.attempt': 1 });
});
