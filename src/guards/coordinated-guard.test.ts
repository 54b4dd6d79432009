import { expect, test, vi } from 'vitest';
import { isAdmissionGuard } from '../policy/admission.ts';
import { isTransient } from '../predicate/transient.ts';
import { testClock } from '../testing/test-clock.ts';
import { type CircuitBreaker, circuitBreaker } from './circuit-breaker.ts';
import { type CoordinatedGuard, coordinatedGuard } from './coordinated-guard.ts';
import { rateLimiter } from './rate-limiter.ts';
import { type RetryCounter, retryCounter } from './retry-counter.ts';

const clock = testClock();

function make(shared?: SharedArrayBuffer): {
  readonly guard: CoordinatedGuard;
  readonly counter: RetryCounter;
  readonly breaker: CircuitBreaker;
} {
  const counter = retryCounter({ threshold: 3, shared });
  const breaker = circuitBreaker({ name: 'payments', isFailure: isTransient, clock });
  return { guard: coordinatedGuard({ counter, breaker }), counter, breaker };
}

const fail = (): Promise<never> => Promise.reject(Object.assign(new Error('503'), { status: 503 }));

test('failures raise the counter, at the threshold the breaker opens, a good probe resets both', async () => {
  const { guard, counter } = make();
  for (let call = 0; call < 3; call++) await guard.execute(fail).catch(() => undefined);
  expect(guard.snapshot()).toMatchObject({ state: 'open', count: 3, threshold: 3 });
  const fn = vi.fn();
  await expect(guard.execute(fn)).rejects.toMatchObject({ code: 'MAKEGOOD_CIRCUIT_OPEN', failures: 3 });
  expect(fn).not.toHaveBeenCalled();
  await clock.advance(10_000);
  await guard.execute(() => 1);
  expect([guard.state, counter.count]).toEqual(['closed', 0]);
});

test('a bad probe opens it again and leaves the counter at its threshold', async () => {
  const { guard, counter } = make();
  for (let call = 0; call < 3; call++) await guard.execute(fail).catch(() => undefined);
  await clock.advance(10_000);
  await guard.execute(fail).catch(() => undefined);
  expect([guard.state, counter.count]).toEqual(['open', 3]);
});

test('a business answer raises nothing and sets the counter back; an abort does neither', async () => {
  const { guard, counter } = make();
  await guard.execute(fail).catch(() => undefined);
  const signal = AbortSignal.abort('left');
  await guard.execute(() => Promise.reject(signal.reason as Error), { signal }).catch(() => undefined);
  expect(counter.count).toBe(1);
  await guard.execute(() => Promise.reject(new Error('insufficient funds'))).catch(() => undefined);
  expect(counter.count).toBe(0);
});

test('a counter tripped in another thread opens the breaker here with its next call, and refuses that', async () => {
  const shared = new SharedArrayBuffer(4);
  const [here, there] = [make(shared), make(shared)];
  await here.guard.execute(fail).catch(() => undefined);
  for (let call = 0; call < 2; call++) await there.guard.execute(fail).catch(() => undefined);
  expect([here.guard.state, there.guard.state]).toEqual(['closed', 'open']);
  expect(here.guard.wouldRefuse(0)).toBe(true);
  await expect(here.guard.execute(() => 1)).rejects.toMatchObject({ code: 'MAKEGOOD_CIRCUIT_OPEN', failures: 3 });
  await clock.advance(10_000);
  await there.guard.execute(() => 1);
  expect(here.counter.count).toBe(0);
  await here.guard.execute(() => 1);
  expect([here.guard.state, there.guard.state]).toEqual(['closed', 'closed']);
});

test('the limiter is asked first, and takes its token back when the breaker refuses', async () => {
  const limiter = rateLimiter({ limit: 1, per: '1h', burst: 5, clock });
  const { counter, breaker } = make();
  const guard = coordinatedGuard({ counter, breaker, limiter });
  for (let call = 0; call < 3; call++) await guard.execute(fail).catch(() => undefined);
  for (let call = 0; call < 9; call++) await guard.execute(fail).catch(() => undefined);
  expect(limiter.snapshot().available).toBeCloseTo(2);
  breaker.close();
  expect([counter.count, await guard.execute(() => 1), await guard.execute(() => 1)]).toEqual([0, 1, 1]);
  await expect(guard.execute(() => 1)).rejects.toMatchObject({ code: 'MAKEGOOD_RATE_LIMITED' });
});

test('it is a guard among guards, and its parts are checked at once', () => {
  expect(isAdmissionGuard(make().guard)).toBe(true);
  const { counter, breaker } = make();
  expect(() => coordinatedGuard({ breaker } as never)).toThrow(
    new TypeError('Expected counter to be a retryCounter, got undefined'),
  );
  expect(() => coordinatedGuard({ counter } as never)).toThrow(TypeError);
  expect(() => coordinatedGuard({ counter, breaker, limiter: 5 as never })).toThrow(TypeError);
});
