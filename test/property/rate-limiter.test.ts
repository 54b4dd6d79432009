import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RateLimiter, rateLimiter } from '../../src/guards/index.ts';
import { type TestClock, testClock } from '../../src/testing/index.ts';

// A token bucket in whole numbers: an interval is 10 ms, and time moves in whole ms, so the model never rounds.
const [intervalMs, burst, maxQueue] = [10, 3, 4];

interface Model {
  nowMs: number;
  /** Tokens in tenths, so that one ms is one. */
  tenths: number;
  readonly waiting: number[];
  readonly admittedAt: Map<number, number>;
  calls: number;
}

interface Real {
  readonly limiter: RateLimiter;
  readonly clock: TestClock;
  readonly callers: AbortController[];
  readonly admittedAt: Map<number, number>;
}

function take(model: Model): boolean {
  if (model.tenths < intervalMs) return false;
  model.tenths -= intervalMs;
  return true;
}

function wait(model: Model, ms: number): void {
  for (let passed = 0; passed < ms; passed++) {
    model.nowMs += 1;
    model.tenths = Math.min(burst * intervalMs, model.tenths + 1);
    while (model.waiting.length > 0 && take(model)) model.admittedAt.set(model.waiting.shift() as number, model.nowMs);
  }
}

function step(text: string, run: (model: Model, real: Real) => Promise<void> | void): fc.AsyncCommand<Model, Real> {
  return {
    check: () => true,
    async run(model, real) {
      await run(model, real);
      await real.clock.settle();
      expect([...real.admittedAt]).toEqual([...model.admittedAt]);
      expect(real.limiter.snapshot().queued).toBe(model.waiting.length);
      expect(real.clock.pendingTimers).toBe(model.waiting.length > 0 ? 1 : 0);
    },
    toString: () => text,
  };
}

const enter = step('enter', (model, { limiter, clock, callers, admittedAt }) => {
  const number = model.calls++;
  const caller = new AbortController();
  callers.push(caller);
  const entered = limiter.execute(() => admittedAt.set(number, clock.monotonicMs()), { signal: caller.signal });
  entered.catch(() => undefined);
  if (model.waiting.length === 0 && take(model)) model.admittedAt.set(number, model.nowMs);
  else if (model.waiting.length < maxQueue) model.waiting.push(number);
});

const giveBack = step('enter and leave unused', async (model, { limiter, clock }) => {
  const ticket = limiter.tryEnter();
  const entered = model.waiting.length === 0 && take(model);
  expect(ticket >= 0).toBe(entered);
  if (ticket < 0) return;
  limiter.leave(ticket, 'unused');
  model.tenths = Math.min(burst * intervalMs, model.tenths + intervalMs);
  await clock.settle();
});

const abort = (pick: number): fc.AsyncCommand<Model, Real> =>
  step(`abort ${pick}`, (model, { callers }) => {
    const [number] = model.waiting.splice(pick % Math.max(1, model.waiting.length), 1);
    if (number !== undefined) callers[number]?.abort('left');
  });

const advance = (ms: number): fc.AsyncCommand<Model, Real> =>
  step(`wait ${ms}`, async (model, { clock }) => {
    await clock.advance(ms);
    wait(model, ms);
  });

test('a rate limiter does what its model does: to the millisecond, in order, one timer at most', async () => {
  const steps = fc.commands(
    [
      fc.constant(enter),
      fc.constant(enter),
      fc.constant(giveBack),
      fc.nat(10).map(abort),
      fc.integer({ min: 1, max: 45 }).map(advance),
    ],
    { maxCommands: 60, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const clock = testClock();
      const limiter = rateLimiter({ limit: 1, per: intervalMs, burst, maxQueue, clock });
      const model: Model = { nowMs: 0, tenths: burst * intervalMs, waiting: [], admittedAt: new Map(), calls: 0 };
      const real: Real = { limiter, clock, callers: [], admittedAt: new Map() };
      await fc.asyncModelRun(() => ({ model, real }), commands);
    }),
    { numRuns: 120 },
  );
});

test('in any span of time no more than burst + span · limit / per calls pass, whatever the numbers', () => {
  const plan = fc.record({
    limit: fc.integer({ min: 1, max: 1000 }),
    perMs: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
    most: fc.integer({ min: 1, max: 50 }),
    originMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    steps: fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 120 }),
  });
  // The limiter forgives its clock 1e-6 ms, and one of 1e9 ms has no finer step than 1e-7: of an interval of 1e-4 ms that
  // is a hundredth.
  const forgivenMs = 2e-6;
  fc.assert(
    fc.property(plan, ({ limit, perMs, most, originMs, steps }) => {
      let nowMs = originMs;
      const clock = { ...testClock(), monotonicMs: () => nowMs };
      const limiter = rateLimiter({ limit, per: perMs, burst: most, clock });
      const entered: number[] = [];
      for (const intervals of steps) {
        nowMs += (intervals * perMs) / limit;
        for (let call = 0; call < 3; call++) if (limiter.tryEnter() >= 0) entered.push(nowMs);
      }
      for (const [from, startMs] of entered.entries()) {
        for (let to = from; to < entered.length; to++) {
          const spanMs = (entered[to] as number) - startMs;
          expect(to - from + 1).toBeLessThanOrEqual(most + ((spanMs + forgivenMs) * limit) / perMs + 1e-3);
        }
      }
    }),
    { numRuns: 200 },
  );
});
