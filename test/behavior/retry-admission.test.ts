import { expect, test, vi } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { circuitBreaker, consecutiveFailures } from '../../src/guards/index.ts';
import {
  type AdmissionGuard,
  AdmissionPolicy,
  type Departure,
  type ExecuteOptions,
  refused,
  RefusedError,
} from '../../src/policy/index.ts';
import { retry, retryBudget, retryPolicy, retryReport } from '../../src/retry/index.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { hang, heed, unavailable } from './retry-world.ts';

const atOnce = { backoff: constant(0) };

/** Lets as many in as it has places, queues the others, and writes down how each left. */
class Gate extends AdmissionPolicy {
  readonly left: (readonly [number, Departure])[] = [];
  readonly admit: (() => void)[] = [];
  places: number;
  foresees = false;
  private tickets = 0;

  constructor(places: number) {
    super();
    this.places = places;
  }

  tryEnter(): number {
    return this.places-- > 0 ? this.tickets++ : refused;
  }

  override enter(options?: ExecuteOptions): number | Promise<number> {
    if (this.places > 0 || this.foresees) return this.tryEnter();
    return new Promise((resolve, reject) => {
      this.admit.push(() => resolve(this.tickets++));
      options?.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error));
    });
  }

  refusal(): RefusedError {
    return new RefusedError('MAKEGOOD_BULKHEAD_FULL', 'gate is full', { guard: 'gate' });
  }

  leave(ticket: number, departure: Departure): void {
    this.left.push([ticket, departure]);
  }

  override wouldRefuse(): boolean {
    return this.foresees && this.places <= 0;
  }
}

test('each attempt enters with a ticket of its own and leaves as what it was', async () => {
  const gate = new Gate(9);
  let calls = 0;
  const fn = (): string => {
    if (++calls < 3) throw unavailable();
    return 'third time lucky';
  };
  expect(await retry(fn, { ...atOnce, guards: [gate] })).toBe('third time lucky');
  expect(gate.left).toEqual([
    [0, 'failure'],
    [1, 'failure'],
    [2, 'success'],
  ]);
});

test('an attempt that is timed out leaves as a failure at that moment, though its function never ends', async () => {
  const clock = testClock();
  const gate = new Gate(9);
  const call = retry(hang, { guards: [gate], attemptTimeout: 100, maxAttempts: 1, clock });
  const rejected = expect(call).rejects.toMatchObject({ deadlineMs: 100 });
  await clock.advance(100);
  await rejected;
  expect(gate.left).toEqual([[0, 'failure']]);
});

test('hanging calls open a breaker inside retry: it is told when the attempt is over, not when the function is', async () => {
  const clock = testClock();
  const breaker = circuitBreaker({ trip: consecutiveFailures(2), clock });
  const call = retry(hang, { ...atOnce, guards: [breaker], attemptTimeout: 100, clock });
  const rejected = expect(call).rejects.toThrow('attempt 2');
  await clock.runAll();
  await rejected;
  expect(breaker.state).toBe('open');
});

test('an attempt whose caller leaves is counted by no guard', async () => {
  const gate = new Gate(9);
  const caller = new AbortController();
  const call = retry(heed, { guards: [gate], signal: caller.signal });
  const rejected = expect(call).rejects.toBe('left');
  caller.abort('left');
  await rejected;
  expect(gate.left).toEqual([[0, 'abort']]);
});

test('a place that comes after the attempt was timed out in the queue is given back, and the function is not called', async () => {
  const clock = testClock();
  const gate = new Gate(0);
  const fn = vi.fn();
  const call = retry(fn, { ...atOnce, guards: [gate], attemptTimeout: 100, maxAttempts: 2, clock });
  const rejected = expect(call).rejects.toThrow('attempt 2');
  await clock.runAll();
  for (const admit of gate.admit) admit();
  await rejected;
  await clock.settle();
  expect(fn).not.toHaveBeenCalled();
  const deaf = new (class extends Gate {
    override enter(): Promise<number> {
      return new Promise((resolve) => this.admit.push(() => resolve(7)));
    }
  })(0);
  const second = retry(fn, { guards: [deaf], attemptTimeout: 100, maxAttempts: 1, clock }).catch(() => undefined);
  await clock.runAll();
  await second;
  deaf.admit[0]?.();
  await clock.settle();
  expect([deaf.left, fn.mock.calls.length]).toEqual([[[7, 'unused']], 0]);
});

test('an attempt that was queued is made when its place comes', async () => {
  const gate = new Gate(0);
  const call = retry(({ number }) => number, { guards: [gate] });
  gate.admit[0]?.();
  expect(await call).toBe(1);
  expect(gate.left).toEqual([[0, 'success']]);
});

test('a refused attempt ends the call, and a refused retry is given back to the budget', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  const gate = new Gate(1);
  gate.enter = () => gate.tryEnter();
  const fn = vi.fn(() => Promise.reject(unavailable()));
  const ended = await retry(fn, { ...atOnce, guards: [gate], budget, clock }).catch((error: unknown) => error);
  expect(ended).toMatchObject({ code: 'MAKEGOOD_BULKHEAD_FULL' });
  expect(retryReport(ended)).toMatchObject({ attempts: 2, reason: 'guard-open' });
  expect(fn).toHaveBeenCalledTimes(1);
  expect(budget.snapshot()).toMatchObject({ tokens: 10, granted: 0 });
});

test('a retry that a guard foresees to refuse is not waited for: the call ends with its own last error', async () => {
  const clock = testClock();
  const budget = retryBudget({ clock });
  const gate = new Gate(1);
  gate.foresees = true;
  const error = unavailable();
  const call = retry(() => Promise.reject(error), { backoff: constant('1s'), guards: [gate], budget, clock });
  await expect(call).rejects.toBe(error);
  expect(retryReport(error)).toMatchObject({ attempts: 1, reason: 'guard-open', delaysMs: [] });
  expect([clock.monotonicMs(), budget.snapshot().granted]).toEqual([0, 0]);
});

test('while a breaker is open no retries are produced: the failure that opens it is final', async () => {
  const clock = testClock();
  const breaker = circuitBreaker({ trip: consecutiveFailures(3), openFor: '10s', clock });
  const policy = retryPolicy({ backoff: constant(100), maxAttempts: 9, guards: [breaker], budget: false, clock });
  const error = unavailable();
  const fn = vi.fn(() => Promise.reject(error));
  const rejected = expect(policy.execute(fn)).rejects.toBe(error);
  await clock.runAll();
  await rejected;
  expect(fn).toHaveBeenCalledTimes(3);
  expect(retryReport(error)).toMatchObject({ reason: 'guard-open', delaysMs: [100, 100] });
});

/** A handmade guard: all five methods and `execute`, but nothing that fuses it with others. */
function handmade(gate: Gate): AdmissionGuard {
  return {
    tryEnter: () => gate.tryEnter(),
    enter: (options) => gate.enter(options),
    refusal: () => gate.refusal(),
    leave: (ticket, departure) => gate.leave(ticket, departure),
    wouldRefuse: () => gate.wouldRefuse(),
    execute: (fn, options) => gate.execute(fn, options),
    wrap: (fn) => gate.wrap(fn),
  };
}

test.each([
  ['ours', (gate: Gate): AdmissionGuard => gate, 'the operation’s own error'],
  ['one of them ours', (gate: Gate, index: number) => (index > 0 ? gate : handmade(gate)), 'the operation’s own error'],
  ['all handmade', handmade, 'the refusal'],
])(
  'several guards, %s: each is entered and left once an attempt, and what one refuses ends the call',
  async (_, made, end) => {
    const gates = [new Gate(9), new Gate(1)];
    for (const gate of gates) gate.foresees = true;
    const failure = unavailable();
    const guards = gates.map(made);
    const ended: unknown = await retry(() => Promise.reject(failure), { ...atOnce, guards }).catch(
      (error: unknown) => error,
    );
    // Guards that are fused foresee that the inner one would refuse the second attempt; others find out.
    expect(ended === failure ? 'the operation’s own error' : 'the refusal').toBe(end);
    expect(retryReport(ended)).toMatchObject({ reason: 'guard-open', attempts: end === 'the refusal' ? 2 : 1 });
    expect(gates.map(({ left }) => left[0])).toEqual([
      [0, 'failure'],
      [0, 'failure'],
    ]);
  },
);
