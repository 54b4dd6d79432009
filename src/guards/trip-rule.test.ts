import { expect, test } from 'vitest';
import { type TestClock, testClock } from '../testing/test-clock.ts';
import { type CircuitBreaker, circuitBreaker } from './circuit-breaker.ts';
import { countWindow } from './count-window.ts';
import { timeWindow } from './time-window.ts';
import { consecutiveFailures, type TripRule } from './trip-rule.ts';

const error = new Error('503');

function make({ trip }: { readonly trip: TripRule }): { readonly breaker: CircuitBreaker; readonly clock: TestClock } {
  const clock = testClock();
  return { breaker: circuitBreaker({ trip, clock }), clock };
}

function failOnce(breaker: CircuitBreaker): void {
  breaker.leave(breaker.tryEnter(), 'failure', error);
}

test('a time window forgets after an hour idle, and after any other time', async () => {
  for (const idleMs of [10_000, 10_700, 60_000, 3_600_000]) {
    const { breaker, clock } = make({ trip: timeWindow({ window: '10s', minimum: 10, failureRatio: 0.5 }) });
    for (let second = 0; second < 9; second++) {
      failOnce(breaker);
      await clock.advance(1000);
    }
    expect(breaker.snapshot().failures).toBe(9);
    await clock.advance(idleMs);
    expect(breaker.snapshot().failures).toBe(0);
    failOnce(breaker);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 1 });
  }
});

test('a time window counts what happened within it, to a tenth, and drops the rest', async () => {
  const { breaker, clock } = make({ trip: timeWindow({ window: '10s', minimum: 100 }) });
  for (let second = 0; second < 30; second++) {
    failOnce(breaker);
    await clock.advance(1000);
  }
  expect(breaker.snapshot().failures).toBe(9);
});

test('a time window needs its minimum of calls, and its share of failures among them', async () => {
  const { breaker, clock } = make({ trip: timeWindow({ window: '10s', minimum: 4, failureRatio: 0.5 }) });
  for (let call = 0; call < 3; call++) failOnce(breaker);
  expect(breaker.state).toBe('closed');
  await clock.advance(20_000);
  for (let call = 0; call < 4; call++) breaker.leave(breaker.tryEnter(), 'success');
  for (let call = 0; call < 3; call++) failOnce(breaker);
  expect(breaker.state).toBe('closed');
  failOnce(breaker);
  expect(breaker.state).toBe('open');
});

test('a count window looks at the last calls only', () => {
  const { breaker } = make({ trip: countWindow({ size: 4, minimum: 4, failureRatio: 0.75 }) });
  const outcomes = ['failure', 'failure', 'success', 'success', 'failure', 'failure'] as const;
  for (const outcome of outcomes) breaker.leave(breaker.tryEnter(), outcome, error);
  expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 2 });
  failOnce(breaker);
  expect(breaker.state).toBe('open');
  expect(breaker.refusal().message).toContain('after 3 failures in 4 calls');
});

test('a success never opens it, even when it completes the minimum', () => {
  const { breaker } = make({ trip: countWindow({ size: 4, minimum: 3, failureRatio: 0.5 }) });
  failOnce(breaker);
  failOnce(breaker);
  breaker.leave(breaker.tryEnter(), 'success');
  expect(breaker.state).toBe('closed');
});

test('one rule serves many breakers, and each counts for itself', () => {
  for (const trip of [consecutiveFailures(2), countWindow({ size: 2 }), timeWindow({ minimum: 2 })]) {
    const [one, other] = [circuitBreaker({ trip }), circuitBreaker({ trip })];
    failOnce(one);
    failOnce(other);
    expect([one.state, other.state]).toEqual(['closed', 'closed']);
    failOnce(one);
    expect([one.state, other.state]).toEqual(['open', 'closed']);
  }
});

test('options are checked at once, and the error tells what was expected and got', () => {
  expect(() => consecutiveFailures(0)).toThrow(RangeError);
  expect(() => countWindow({ size: 5, minimum: 6 })).toThrow(
    new RangeError('Expected minimum to be at most size (5), got 6'),
  );
  expect(() => countWindow({ size: 1.5 })).toThrow(RangeError);
  expect(() => timeWindow({ window: 0 })).toThrow(RangeError);
  for (const failureRatio of [0, 1.1, Number.NaN]) {
    expect(() => countWindow({ failureRatio })).toThrow(RangeError);
    expect(() => timeWindow({ failureRatio })).toThrow(
      new RangeError(`Expected failureRatio to be a number above 0 and up to 1, got ${failureRatio}`),
    );
  }
});
