import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Call } from '../policy/call.ts';
import { testClock } from '../testing/test-clock.ts';
import { remainingMs, withDeadline } from '../time/deadline.ts';
import { sleep } from '../time/sleep.ts';
import { hedge, type HedgeEvent, HedgeLostError, type HedgeOptions } from './hedge.ts';
import { retryBudget } from './retry-budget.ts';

type Plan = { readonly takesMs: number; readonly fails?: boolean };

/** A callee whose calls take and do what is planned, and that writes down when each began and what its signal said. */
function callee(clock: ReturnType<typeof testClock>, plans: readonly Plan[]) {
  const begunMs: number[] = [];
  const signals: AbortSignal[] = [];
  const fn = async ({ signal }: Call): Promise<string> => {
    const number = begunMs.push(clock.monotonicMs());
    signals.push(signal);
    const { takesMs, fails } = plans[number - 1] ?? { takesMs: 0 };
    await sleep(takesMs, { clock });
    if (fails === true) throw new Error(`call ${number}`);
    return `call ${number}`;
  };
  return { fn, begunMs, signals };
}

test('a call that is quick enough is made once, and leaves no timer behind', async () => {
  const clock = testClock();
  const { fn, begunMs } = callee(clock, [{ takesMs: 99 }]);
  const call = hedge({ delay: 100, safe: true, clock }).execute(fn);
  await clock.runAll();
  expect([await call, begunMs, clock.pendingTimers]).toEqual(['call 1', [0], 0]);
});

test('a slow call is hedged after the delay, the first success wins, and the loser is cancelled', async () => {
  const clock = testClock();
  const events: HedgeEvent[] = [];
  const { fn, begunMs, signals } = callee(clock, [{ takesMs: 500 }, { takesMs: 20 }]);
  const policy = hedge({ delay: 100, safe: true, clock, name: 'page', observer: (event) => events.push(event) });
  const call = policy.execute(fn);
  await clock.advance(120);
  expect(await call).toBe('call 2');
  expect(begunMs).toEqual([0, 100]);
  expect(signals[0]?.reason).toBeInstanceOf(HedgeLostError);
  expect(signals[1]?.aborted).toBe(false);
  expect(events).toEqual([
    { type: 'hedge.sent', name: 'page', number: 2 },
    { type: 'hedge.won', name: 'page', number: 2 },
  ]);
  await clock.runAll();
});

test('when the first call is faster after all, the hedge is cancelled and its end changes nothing', async () => {
  const clock = testClock();
  const { fn, signals } = callee(clock, [{ takesMs: 150 }, { takesMs: 80, fails: true }]);
  const call = hedge({ delay: 100, safe: true, clock }).execute(fn);
  await clock.runAll();
  expect(await call).toBe('call 1');
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
});

test('calls that are not declared safe are never made twice', async () => {
  const clock = testClock();
  const { fn, begunMs } = callee(clock, [{ takesMs: 9000 }]);
  const call = hedge({ delay: 100, safe: false, maxHedges: 5, clock }).execute(fn);
  await clock.runAll();
  expect([await call, begunMs]).toEqual(['call 1', [0]]);
  expect(() => hedge({ delay: 100 } as HedgeOptions)).toThrow('Expected safe to be true or false');
});

test('a failure waits for the calls under way; when all have failed, the first failure is what it rejects with', async () => {
  const clock = testClock();
  const saved = callee(clock, [
    { takesMs: 110, fails: true },
    { takesMs: 50, fails: false },
  ]);
  const rescued = hedge({ delay: 100, safe: true, clock }).execute(saved.fn);
  await clock.runAll();
  expect(await rescued).toBe('call 2');
  const lost = callee(clock, [
    { takesMs: 160, fails: true },
    { takesMs: 20, fails: true },
  ]);
  const ended = hedge({ delay: 100, safe: true, clock }).execute(lost.fn);
  const rejected = expect(ended).rejects.toThrow('call 2');
  await clock.runAll();
  await rejected;
});

test('a call that fails before its delay is final: a hedge is no retry', async () => {
  const clock = testClock();
  const { fn, begunMs } = callee(clock, [{ takesMs: 50, fails: true }]);
  const call = hedge({ delay: 100, safe: true, maxHedges: 3, clock }).execute(fn);
  const rejected = expect(call).rejects.toThrow('call 1');
  await clock.runAll();
  await rejected;
  expect([begunMs, clock.pendingTimers]).toEqual([[0], 0]);
});

test('hedges are charged to the retry budget, and an empty one lets the call wait on alone', async () => {
  const clock = testClock();
  const budget = retryBudget({ ratio: 0, minPerSecond: 0, clock });
  const events: HedgeEvent[] = [];
  const policy = hedge({ delay: 100, safe: true, budget, clock, observer: (event) => events.push(event) });
  const first = callee(clock, [{ takesMs: 150 }, { takesMs: 500 }]);
  const second = callee(clock, [{ takesMs: 150 }, { takesMs: 500 }]);
  const calls = [policy.execute(first.fn), policy.execute(second.fn)];
  await clock.runAll();
  await Promise.all(calls);
  expect([first.begunMs, second.begunMs]).toEqual([[0, 100], [0]]);
  expect(budget.snapshot()).toMatchObject({ granted: 1, refused: 1, tokens: 0 });
  expect(events.at(-1)).toEqual({ type: 'hedge.refused', name: 'hedge' });
});

test('of a hundred slow calls, a budget of its own lets ten and one in ten be hedged', async () => {
  const clock = testClock();
  const policy = hedge({ delay: 100, safe: true, clock });
  let made = 0;
  const slow = (): Promise<void> => ((made += 1), sleep(150, { clock }));
  const calls = Array.from({ length: 100 }, () => policy.execute(slow));
  await clock.runAll();
  await Promise.all(calls);
  expect(made).toBe(110);
});

test('a budget that is shared is not paid into by the hedge: those who share it do', async () => {
  const clock = testClock();
  const budget = retryBudget({ ratio: 1, minPerSecond: 0, clock });
  while (budget.withdraw());
  const policy = hedge({ delay: 100, safe: true, budget, clock });
  for (let call = 0; call < 5; call++) await policy.execute(() => 'quick');
  expect(budget.snapshot().tokens).toBe(0);
});

test("the caller's abort ends all of them at once with the caller's reason", async () => {
  const clock = testClock();
  const caller = new AbortController();
  const { fn, signals } = callee(clock, [{ takesMs: 900 }, { takesMs: 900 }]);
  const call = hedge({ delay: 100, safe: true, clock }).execute(fn, { signal: caller.signal });
  await clock.advance(150);
  const rejected = expect(call).rejects.toBe('left');
  caller.abort('left');
  await rejected;
  expect(signals.map(({ reason }) => reason as unknown)).toEqual(['left', 'left']);
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
  const never = vi.fn();
  const refused = hedge({ delay: 1, safe: true, clock }).execute(never, { signal: caller.signal });
  await expect(refused).rejects.toBe('left');
  expect(never).not.toHaveBeenCalled();
  await clock.runAll();
});

test("the caller's deadline rides on the signal of every call", async () => {
  const clock = testClock();
  using signal = withDeadline(undefined, 300, { clock });
  const left: number[] = [];
  const fn = ({ signal: inner }: Call): Promise<void> => {
    left.push(remainingMs(inner));
    return sleep(150, { clock });
  };
  const call = hedge({ delay: 100, safe: true, clock }).execute(fn, { signal });
  await clock.runAll();
  await call;
  expect(left).toEqual([300, 200]);
});

test('whatever the calls take and do: the best that can be had is had, at its time, with no call too many', async () => {
  // No call ends at a multiple of 10 ms and all begin at one, for at the very same moment either may come first.
  const takes = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 9 })).map(([tens, ones]) => tens * 10 + ones);
  const plan = fc.record({ takesMs: takes, fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 4, maxLength: 4 }),
      fc.integer({ min: 1, max: 15 }).map((tens) => tens * 10),
      fc.integer({ min: 0, max: 3 }),
      async (plans, delay, maxHedges) => {
        const clock = testClock();
        const { fn, begunMs } = callee(clock, plans);
        let endedMs = 0;
        const ended = hedge({ delay, safe: true, maxHedges, budget: false, clock })
          .execute(fn)
          .then(
            (value) => ((endedMs = clock.monotonicMs()), value),
            () => ((endedMs = clock.monotonicMs()), 'failed'),
          );
        await clock.runAll();
        const { atMs, calls, successes } = foretell(plans, delay, maxHedges);
        expect(endedMs).toBe(atMs);
        expect(begunMs).toHaveLength(calls);
        expect(successes.length === 0 ? ['failed'] : successes).toContain(await ended);
        expect(clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});

/** What must come of it, by another road: who has begun by when, who ends first. */
function foretell(plans: readonly Plan[], delay: number, maxHedges: number) {
  const calls: { readonly endsMs: number; readonly fails: boolean; readonly name: string }[] = [];
  for (let number = 0; number <= maxHedges; number++) {
    const { takesMs, fails = false } = plans[number] as Plan;
    const lastEndMs = Math.max(...calls.map(({ endsMs }) => endsMs));
    const winMs = Math.min(...calls.filter((call) => !call.fails).map(({ endsMs }) => endsMs));
    if (number > 0 && (winMs <= number * delay || (winMs === Infinity && lastEndMs <= number * delay))) break;
    calls.push({ endsMs: number * delay + takesMs, fails, name: `call ${number + 1}` });
  }
  const winMs = Math.min(...calls.filter(({ fails }) => !fails).map(({ endsMs }) => endsMs));
  const atMs = winMs === Infinity ? Math.max(...calls.map(({ endsMs }) => endsMs)) : winMs;
  const successes = calls.filter(({ fails, endsMs }) => !fails && endsMs === atMs).map(({ name }) => name);
  return { atMs, calls: calls.length, successes };
}
