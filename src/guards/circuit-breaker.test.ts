import { expect, test, vi } from 'vitest';
import { RefusedError } from '../policy/refused-error.ts';
import { isTransient } from '../predicate/transient.ts';
import { recordingObserver } from '../testing/recording-observer.ts';
import { type TestClock, testClock } from '../testing/test-clock.ts';
import { type CircuitBreaker, circuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';
import { CircuitOpenError } from './circuit-open-error.ts';
import type { BreakerEvent } from './guard-events.ts';
import { timeWindow } from './time-window.ts';
import { consecutiveFailures } from './trip-rule.ts';

const error = new Error('503');

function make(options: CircuitBreakerOptions = {}): { readonly breaker: CircuitBreaker; readonly clock: TestClock } {
  const clock = testClock();
  return { breaker: circuitBreaker({ name: 'payments', clock, ...options }), clock };
}

function failOnce(breaker: CircuitBreaker): void {
  breaker.leave(breaker.tryEnter(), 'failure', error);
}

function trip(breaker: CircuitBreaker): void {
  for (let call = 0; call < 5; call++) failOnce(breaker);
  expect(breaker.state).toBe('open');
}

test('rejects at once while open, without calling the function, and says why and until when', async () => {
  const { breaker, clock } = make({ trip: timeWindow({ minimum: 5 }) });
  for (let call = 0; call < 5; call++) await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
  await clock.advance(5800);
  const fn = vi.fn();
  const refusal: unknown = await breaker.execute(fn).catch((caught: unknown) => caught);
  expect(refusal).toMatchObject({
    code: 'MAKEGOOD_CIRCUIT_OPEN',
    message: 'circuit "payments" is open after 5 failures in 10000 ms; next probe in 4200 ms',
    guard: 'payments',
    state: 'open',
    failures: 5,
    retryAfterMs: 4200,
  });
  expect(refusal).toBeInstanceOf(RefusedError);
  expect(fn).not.toHaveBeenCalled();
  expect(breaker.snapshot()).toEqual({
    state: 'open',
    isolated: false,
    failures: 5,
    nextProbeMs: 4200,
    probesInFlight: 0,
  });
});

test('a refusal has no stack, for it must cost little, and other errors keep theirs', async () => {
  const { breaker } = make();
  breaker.isolate();
  const limit = Error.stackTraceLimit;
  const refusal = (await breaker.execute(() => 1).catch((caught: unknown) => caught)) as Error;
  expect(refusal.stack).toBe(`CircuitOpenError: ${refusal.message}`);
  expect(Error.stackTraceLimit).toBe(limit);
});

test('opens after five failures in a row, and a success in between starts the count anew', () => {
  const { breaker } = make();
  for (let call = 0; call < 4; call++) failOnce(breaker);
  breaker.leave(breaker.tryEnter(), 'success');
  for (let call = 0; call < 4; call++) failOnce(breaker);
  expect([breaker.state, breaker.snapshot().failures]).toEqual(['closed', 4]);
  failOnce(breaker);
  expect(breaker.state).toBe('open');
});

test('half-open, exactly as many probes pass as it says; the others are refused and none waits', async () => {
  const { breaker, clock } = make({ halfOpenProbes: 3 });
  trip(breaker);
  await clock.advance(9999);
  expect(breaker.tryEnter()).toBe(-1);
  await clock.advance(1);
  const tickets = Array.from({ length: 20 }, () => breaker.tryEnter());
  expect(tickets.filter((ticket) => ticket >= 0)).toHaveLength(3);
  expect(breaker.snapshot()).toMatchObject({ state: 'half-open', probesInFlight: 3 });
  const refusal = breaker.refusal();
  expect(refusal).toMatchObject({ state: 'half-open', retryAfterMs: undefined });
  expect(refusal.message).toBe('circuit "payments" is half-open after 5 failures in a row; its probes are under way');
});

test('closes when all probes have succeeded, and not before', async () => {
  const { breaker, clock } = make({ halfOpenProbes: 2 });
  trip(breaker);
  await clock.advance(10_000);
  const [first, second] = [breaker.tryEnter(), breaker.tryEnter()];
  breaker.leave(first, 'success');
  expect([breaker.state, breaker.tryEnter()]).toEqual(['half-open', -1]);
  breaker.leave(second, 'success');
  expect([breaker.state, breaker.snapshot().failures]).toEqual(['closed', 0]);
});

test('one probe that fails opens it for the full time again', async () => {
  const { breaker, clock } = make({ halfOpenProbes: 2 });
  trip(breaker);
  await clock.advance(10_000);
  const [first, second] = [breaker.tryEnter(), breaker.tryEnter()];
  breaker.leave(first, 'success');
  breaker.leave(second, 'failure', error);
  expect(breaker.snapshot()).toMatchObject({ state: 'open', nextProbeMs: 10_000 });
  expect(breaker.refusal().message).toContain('after a probe failed');
});

test('a probe that was aborted, or never made, gives its place to another', async () => {
  const { breaker, clock } = make();
  trip(breaker);
  await clock.advance(10_000);
  for (const departure of ['abort', 'unused'] as const) {
    const ticket = breaker.tryEnter();
    expect(breaker.tryEnter()).toBe(-1);
    breaker.leave(ticket, departure);
  }
  const caller = new AbortController();
  const probe = breaker.execute(() => new Promise((_, reject) => caller.signal.addEventListener('abort', reject)), {
    signal: caller.signal,
  });
  expect(breaker.tryEnter()).toBe(-1);
  caller.abort('left');
  await probe.catch(() => undefined);
  breaker.leave(breaker.tryEnter(), 'success');
  expect(breaker.state).toBe('closed');
});

test('a probe whose caller never comes back loses its place after openFor, and its late result still counts', async () => {
  for (const [departure, state] of [
    ['success', 'closed'],
    ['failure', 'open'],
    ['abort', 'half-open'],
  ] as const) {
    const { breaker, clock } = make();
    trip(breaker);
    await clock.advance(10_000);
    const lost = breaker.tryEnter();
    await clock.advance(9999);
    expect(breaker.tryEnter()).toBe(-1);
    await clock.advance(1);
    const next = breaker.tryEnter();
    expect([next >= 0, breaker.tryEnter()]).toEqual([true, -1]);
    breaker.leave(lost, departure, error);
    expect([breaker.state, breaker.snapshot().probesInFlight]).toEqual([state, departure === 'abort' ? 1 : 0]);
  }
});

test('a stale result of an older generation moves nothing', async () => {
  for (const departure of ['success', 'failure', 'abort'] as const) {
    const { breaker, clock } = make();
    const early = Array.from({ length: 9 }, () => breaker.tryEnter());
    trip(breaker);
    breaker.leave(early[0] as number, departure, error);
    expect(breaker.state).toBe('open');
    await clock.advance(10_000);
    const probe = breaker.tryEnter();
    breaker.leave(early[1] as number, departure, error);
    expect([breaker.state, breaker.tryEnter()]).toEqual(['half-open', -1]);
    breaker.leave(probe, 'success');
    failOnce(breaker);
    for (const ticket of early.slice(2)) breaker.leave(ticket, departure, error);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 1 });
  }
});

test('an error that is no failure of the callee counts as an answer: it starts the count anew and closes', async () => {
  const { breaker, clock } = make({ isFailure: isTransient });
  const transient = { status: 503 };
  for (let call = 0; call < 4; call++) breaker.leave(breaker.tryEnter(), 'failure', transient);
  await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
  expect(breaker.snapshot().failures).toBe(0);
  for (let call = 0; call < 5; call++) breaker.leave(breaker.tryEnter(), 'failure', transient);
  await clock.advance(10_000);
  await breaker.execute(() => Promise.reject(error)).catch(() => undefined);
  expect(breaker.state).toBe('closed');
});

test('a predicate that throws counts as a failure, hides nothing, and is told', async () => {
  const observer = recordingObserver<BreakerEvent>();
  const fault = new Error('bug in isFailure');
  const isFailure = (): boolean => {
    throw fault;
  };
  const { breaker } = make({ isFailure, observer, trip: consecutiveFailures(1) });
  await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
  expect(breaker.state).toBe('open');
  expect(observer.ofType('guard.fault')).toEqual([{ type: 'guard.fault', name: 'payments', fault }]);
});

test('isolated by hand, it stays open however long, until it is closed by hand', async () => {
  const { breaker, clock } = make();
  breaker.isolate();
  await clock.advance(1e9);
  expect(breaker.tryEnter()).toBe(-1);
  expect(breaker.snapshot()).toMatchObject({ state: 'open', isolated: true, nextProbeMs: Infinity });
  expect(breaker.refusal().message).toBe(
    'circuit "payments" is open after it was isolated by hand; call close() to let calls through',
  );
  breaker.close();
  expect([breaker.state, breaker.tryEnter() >= 0]).toEqual(['closed', true]);
});

test('opened by hand, it lets probes through after its time', async () => {
  const { breaker, clock } = make();
  breaker.open('the deploy has begun');
  expect(breaker.refusal().message).toContain('is open after the deploy has begun; next probe in 10000 ms');
  await clock.advance(10_000);
  breaker.leave(breaker.tryEnter(), 'success');
  expect(breaker.state).toBe('closed');
});

test('the observer is told of every change and every refusal, in order', async () => {
  const observer = recordingObserver<BreakerEvent>();
  const { breaker, clock } = make({ observer });
  trip(breaker);
  await breaker.execute(() => 1).catch(() => undefined);
  await clock.advance(10_000);
  failOnce(breaker);
  await clock.advance(10_000);
  breaker.leave(breaker.tryEnter(), 'success');
  breaker.isolate();
  breaker.close();
  breaker.close();
  const name = 'payments';
  const opened = { type: 'breaker.opened', name, openForMs: 10_000, failures: 5 };
  expect(observer.events).toEqual([
    { ...opened, from: 'closed', reason: '5 failures in a row' },
    { type: 'guard.refused', name, error: expect.any(CircuitOpenError) },
    { type: 'breaker.half-opened', name },
    { ...opened, from: 'half-open', reason: 'a probe failed' },
    { type: 'breaker.half-opened', name },
    { type: 'breaker.closed', name, from: 'half-open' },
    { ...opened, from: 'closed', reason: 'it was isolated by hand', failures: 0, openForMs: Infinity },
    { type: 'breaker.closed', name, from: 'open' },
  ]);
});

test('foresees a refusal only as long as it will be open', async () => {
  const { breaker, clock } = make();
  expect(breaker.wouldRefuse(0)).toBe(false);
  trip(breaker);
  expect([breaker.wouldRefuse(9999), breaker.wouldRefuse(10_000)]).toEqual([true, false]);
  await clock.advance(10_000);
  breaker.tryEnter();
  expect(breaker.wouldRefuse(0)).toBe(false);
});

test('a step of the wall clock neither opens nor closes it', () => {
  const { breaker, clock } = make();
  trip(breaker);
  clock.stepWallClock(1e9);
  expect(breaker.tryEnter()).toBe(-1);
});

test('options are checked at once, and the error tells what was expected and got', () => {
  expect(() => circuitBreaker({ halfOpenProbes: 0 })).toThrow(
    new RangeError('Expected halfOpenProbes to be an integer ≥ 1, got 0'),
  );
  expect(() => circuitBreaker({ openFor: 0 })).toThrow(RangeError);
  expect(() => circuitBreaker({ openFor: '10 s' as never })).toThrow(TypeError);
  expect(() => circuitBreaker({ trip: 5 as never })).toThrow(
    new TypeError('Expected trip to be a rule such as consecutiveFailures(5), got number'),
  );
  expect(() => circuitBreaker({ isFailure: 'no' as never })).toThrow(TypeError);
  expect(() => circuitBreaker({ name: 7 as never })).toThrow(new TypeError('Expected name to be text, got number'));
  expect(() => circuitBreaker({ observer: null as never })).toThrow(
    new TypeError('Expected observer to be a function, got null'),
  );
  expect(() => circuitBreaker({ clock: {} as never })).toThrow(TypeError);
});
