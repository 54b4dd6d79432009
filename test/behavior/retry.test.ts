import { expect, test, vi } from 'vitest';
import { constant, exponential } from '../../src/backoff/index.ts';
import { retry, retryPolicy, retryReport } from '../../src/retry/index.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { unavailable } from './retry-world.ts';

const atOnce = { backoff: constant(0) };

test('calls once, and returns what the function returned, also when that is no promise', async () => {
  const fn = vi.fn(() => 7);
  expect(await retry(fn)).toBe(7);
  expect(await retryPolicy().execute(async () => 'value')).toBe('value');
  expect(fn).toHaveBeenCalledTimes(1);
});

test('maxAttempts counts the first call: 4 with 1 s doubling calls at 0, 1, 3 and 7 s, and never sleeps after the last', async () => {
  const clock = testClock();
  const calledAt: number[] = [];
  const error = unavailable();
  const call = retry(
    () => {
      calledAt.push(clock.monotonicMs());
      throw error;
    },
    { maxAttempts: 4, backoff: exponential({ initialDelay: '1s', jitter: 'none' }), clock },
  );
  const rejected = expect(call).rejects.toBe(error);
  expect(await clock.runAll()).toBe(7000);
  await rejected;
  expect(calledAt).toEqual([0, 1000, 3000, 7000]);
  expect(retryReport(error)).toEqual({
    attempts: 4,
    elapsedMs: 7000,
    reason: 'attempts-exhausted',
    delaysMs: [1000, 2000, 4000],
    errors: [error, error, error, error],
  });
});

test('an error that nobody knows is not retried', async () => {
  const error = new Error('business fault');
  const fn = vi.fn(async () => Promise.reject(error));
  await expect(retry(fn)).rejects.toBe(error);
  expect(fn).toHaveBeenCalledTimes(1);
  expect(retryReport(error)).toMatchObject({ attempts: 1, reason: 'not-retryable', delaysMs: [], errors: [error] });
});

test('thrown non-errors survive untouched, and have no report', async () => {
  for (const thrown of ['text', 42, undefined, null, false, Symbol('odd')]) {
    const fn = vi.fn(() => Promise.reject(thrown));
    await expect(retry(fn, { ...atOnce, maxAttempts: 2, retryable: () => true })).rejects.toBe(thrown);
    expect(fn).toHaveBeenCalledTimes(2);
    expect(retryReport(thrown)).toBeUndefined();
  }
  const plain = { reason: 'plain object' };
  await expect(retry(() => Promise.reject(plain))).rejects.toBe(plain);
  expect(retryReport(plain)).toMatchObject({ reason: 'not-retryable' });
});

test('the error carries the history of its attempts without being touched', async () => {
  const errors = [unavailable(), unavailable(), Object.freeze(unavailable())];
  let calls = 0;
  const call = retry(() => Promise.reject(errors[calls++]), { ...atOnce, maxAttempts: 3 });
  await expect(call).rejects.toBe(errors[2]);
  expect(retryReport(errors[2])).toMatchObject({ attempts: 3, delaysMs: [0, 0], errors });
  expect(retryReport(errors[0])).toBeUndefined();
});

test('a call of a great many attempts keeps only its latest history, and lets the event loop turn', async () => {
  const error = unavailable();
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns += 1;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await expect(retry(() => Promise.reject(error), { ...atOnce, maxAttempts: 1000 })).rejects.toBe(error);
  running = false;
  expect(turns).toBeGreaterThan(30);
  const report = retryReport(error);
  expect([report?.attempts, report?.errors.length, report?.delaysMs.length]).toEqual([1000, 100, 100]);
});

test('a retry without a wait sets no timer', async () => {
  const clock = testClock();
  const setTimer = vi.spyOn(clock, 'setTimer');
  let calls = 0;
  const fn = async (): Promise<number> => {
    if (++calls < 3) throw unavailable();
    return calls;
  };
  expect(await retry(fn, { ...atOnce, clock })).toBe(3);
  expect(setTimer).not.toHaveBeenCalled();
});

test('a delay of 2^31 ms does not spin', async () => {
  const clock = testClock();
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const caller = new AbortController();
  const call = retry(fn, { backoff: constant(2 ** 31), clock, signal: caller.signal });
  const rejected = expect(call).rejects.toBe('enough');
  await clock.advance(2 ** 31 - 1);
  expect(fn).toHaveBeenCalledTimes(1);
  await clock.advance(1);
  expect(fn).toHaveBeenCalledTimes(2);
  caller.abort('enough');
  await rejected;
  expect(clock.pendingTimers).toBe(0);
});

test('Retry-After: 60 is waited for in full, though maxDelay is 5 s', async () => {
  const clock = testClock();
  let calls = 0;
  const call = retry(
    async () => {
      if (++calls === 1) throw Object.assign(unavailable(), { headers: new Headers({ 'Retry-After': '60' }) });
      return clock.monotonicMs();
    },
    { clock },
  );
  await clock.runAll();
  expect(await call).toBe(60_000);
});

test('Retry-After as a date is read against the wall clock of the call', async () => {
  const clock = testClock({ startAt: Date.UTC(2026, 10, 24, 12) });
  let calls = 0;
  const headers = { 'retry-after': 'Tue, 24 Nov 2026 12:00:30 GMT' };
  const call = retry(
    async () => {
      if (++calls === 1) throw Object.assign(unavailable(), { response: { headers } });
      return clock.monotonicMs();
    },
    { clock },
  );
  await clock.runAll();
  expect(await call).toBe(30_000);
});

test('a predicate that throws ends the call with its own last error, and the report has what it threw', async () => {
  const fault = new TypeError('bug in a predicate');
  const error = unavailable();
  const retryable = (): boolean => {
    throw fault;
  };
  await expect(retry(() => Promise.reject(error), { retryable })).rejects.toBe(error);
  expect(retryReport(error)).toMatchObject({ reason: 'not-retryable', fault });
});

test('the attempt can be destructured, and tells number, maxAttempts and the time left', async () => {
  const seen: unknown[] = [];
  const fn = ({ number, maxAttempts, remainingMs, signal }: Parameters<Parameters<typeof retry>[0]>[0]): void => {
    seen.push([number, maxAttempts, remainingMs, signal.aborted]);
    if (number < 3) throw unavailable();
  };
  await retry(fn, { ...atOnce, maxAttempts: 5 });
  expect(seen).toEqual([
    [1, 5, Infinity, false],
    [2, 5, Infinity, false],
    [3, 5, Infinity, false],
  ]);
});

test('an attempt kept by the function stays what it was', async () => {
  const kept: { readonly number: number; readonly signal: AbortSignal }[] = [];
  await retry(
    (attempt) => {
      kept.push(attempt);
      if (attempt.number < 2) throw unavailable();
    },
    { ...atOnce },
  );
  expect(kept.map(({ number }) => number)).toEqual([1, 2]);
  expect(kept[0]?.signal).toBe(kept[0]?.signal);
  expect(kept[0]?.signal).not.toBe(kept[1]?.signal);
});

test('calls under one policy do not share a count of attempts', async () => {
  const policy = retryPolicy({ ...atOnce, maxAttempts: 3, budget: false });
  const fail = vi.fn(() => Promise.reject(unavailable()));
  await Promise.allSettled([policy.execute(fail), policy.execute(fail), policy.execute(fail)]);
  expect(fail).toHaveBeenCalledTimes(9);
});

test('a wrapped function is retried, with the attempt before its own arguments', async () => {
  const load = retryPolicy(atOnce).wrap(async ({ number }, id: string) => {
    if (number < 2) throw unavailable();
    return `${id} at attempt ${number}`;
  });
  expect(await load('a')).toBe('a at attempt 2');
});

test('options are checked at once, before anything is called', () => {
  const fn = vi.fn();
  const refused: readonly (readonly [object, string])[] = [
    [{ maxAttempts: 0 }, 'Expected maxAttempts to be an integer ≥ 1, got 0'],
    [{ attemptTimeout: 0 }, 'Expected attemptTimeout to be more than 0 ms, got 0'],
    [{ deadline: -1 }, 'Expected deadline to be finite and 0 ms or more, got -1'],
    [{ guards: {} }, 'Expected guards to be a list of policies, got object'],
    [{ guards: [{}] }, 'Expected policy 1 to have an execute function, got object'],
    [{ signal: {} }, 'Expected signal to be an AbortSignal, got object'],
    [{ observer: 'me' }, 'Expected observer to be a function, got string'],
    [{ random: 4 }, 'Expected random to be a function, got number'],
    [{ clock: null }, 'Expected clock to be a Clock, got null'],
    [{ budget: 0.1 }, 'Expected budget to be a retry budget, got number'],
    [{ name: 7 }, 'Expected name to be text, got number'],
  ];
  for (const [options, message] of refused) expect(() => retry(fn, options)).toThrow(message);
  expect(() => retry(7 as never)).toThrow(new TypeError('Expected fn to be a function of an attempt, got number'));
  expect(() => retryPolicy().execute(7 as never)).toThrow(TypeError);
  expect(fn).not.toHaveBeenCalled();
});
