import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backoff } from '../../src/backoff/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import { decideRetry, resolveRetryRules, retry, retryBudget, retryReport } from '../../src/retry/index.ts';
import { testClock } from '../../src/testing/test-clock.ts';

const delays = fc.array(fc.oneof(fc.integer({ min: 0, max: 500 }), fc.constant(2 ** 31)), {
  minLength: 1,
  maxLength: 8,
});

function backoffOf(list: readonly number[]): Backoff {
  return { delayMs: (retryNumber) => list[(retryNumber - 1) % list.length] as number };
}

test('whatever fails, however long: never more than maxAttempts, never a start at or past the deadline, nothing left behind', async () => {
  const plans = fc.record({
    maxAttempts: fc.integer({ min: 1, max: 6 }),
    delaysMs: delays,
    durationsMs: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 6 }),
    kinds: fc.array(fc.constantFrom('transient', 'unknown', 'success', 'hang'), { minLength: 1, maxLength: 6 }),
    deadline: fc.option(fc.integer({ min: 0, max: 1500 }), { nil: undefined }),
    attemptTimeout: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
    abortAt: fc.option(fc.integer({ min: 0, max: 1500 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      plans,
      async ({ maxAttempts, delaysMs, durationsMs, kinds, deadline, attemptTimeout, abortAt }) => {
        const clock = testClock();
        const caller = new AbortController();
        const startedMs: number[] = [];
        const fn = ({ number }: { readonly number: number }): Promise<string> => {
          startedMs.push(clock.monotonicMs());
          const kind = kinds[number % kinds.length];
          return new Promise((resolve, reject) => {
            if (kind === 'hang') return;
            const error = Object.assign(new Error(kind), kind === 'transient' && { status: 503 });
            const settle = (): void => (kind === 'success' ? resolve('done') : reject(error));
            clock.setTimer(durationsMs[number % durationsMs.length] as number, settle);
          });
        };
        if (abortAt !== undefined) clock.setTimer(abortAt, () => caller.abort('left'));
        const options = {
          maxAttempts,
          backoff: backoffOf(delaysMs),
          deadline,
          attemptTimeout,
          signal: caller.signal,
          clock,
        };
        let endedMs: number | undefined;
        const ended = retry(fn, options).then(
          (value): [string, unknown] => ((endedMs = clock.monotonicMs()), ['value', value]),
          (error: unknown): [string, unknown] => ((endedMs = clock.monotonicMs()), ['error', error]),
        );
        await clock.runAll();
        const canHang = kinds.includes('hang') && deadline === undefined && attemptTimeout === undefined;
        if (canHang && endedMs === undefined) return;
        const [how, what] = await ended;
        const limitMs = Math.min(deadline ?? Infinity, abortAt ?? Infinity);
        expect(startedMs.length).toBeLessThanOrEqual(maxAttempts);
        for (const at of startedMs) expect(at === 0 || at < limitMs).toBe(true);
        expect(endedMs).toBeLessThanOrEqual(limitMs);
        expect(clock.pendingTimers).toBe(0);
        if (how === 'error' && what !== 'left') {
          expect(retryReport(what)).toMatchObject({ attempts: startedMs.length, elapsedMs: endedMs });
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a delay is what the backoff says or what the server asked for, whichever is longer, and ends before the deadline', () => {
  const nonNegative = fc.double({ min: 0, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(
      nonNegative,
      fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
      fc.oneof(nonNegative, fc.constant(Infinity)),
      fc.integer({ min: 1, max: 10 }),
      (backoffMs, askedS, remainingMs, number) => {
        const rules = resolveRetryRules({ maxAttempts: 8, backoff: { delayMs: () => backoffMs } });
        const error = { status: 503, headers: askedS === undefined ? {} : { 'Retry-After': String(askedS) } };
        const failed = { error, number, previousDelayMs: undefined, remainingMs };
        const decision = decideRetry(failed, rules, seededRandom(1));
        const wantedMs = Math.max(backoffMs, (askedS ?? 0) * 1000);
        if (number >= 8) expect(decision).toEqual({ retry: false, reason: 'attempts-exhausted' });
        else if (wantedMs >= remainingMs) expect(decision).toEqual({ retry: false, reason: 'deadline' });
        else expect(decision).toEqual({ retry: true, delayMs: wantedMs });
      },
    ),
  );
});

test('decideRetry never throws and never retries what is not retryable, whatever was thrown', () => {
  fc.assert(
    fc.property(fc.anything(), fc.boolean(), (error, retryable) => {
      const rules = resolveRetryRules({ retryable: () => retryable });
      const failed = { error, number: 1, previousDelayMs: undefined, remainingMs: Infinity };
      expect(decideRetry(failed, rules, seededRandom(1)).retry).toBe(retryable);
    }),
  );
});

test('over every window of 10 s and more, retries ≤ minPerSecond · W + ratio · fresh calls + capacity', async () => {
  const step = fc.record({
    waitMs: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 4000 }) },
    ),
    fresh: fc.integer({ min: 0, max: 30 }),
    wanted: fc.integer({ min: 0, max: 30 }),
    givenBack: fc.integer({ min: 0, max: 2 }),
  });
  const budgets = fc.record({
    ratio: fc.double({ min: 0, max: 1, noNaN: true }),
    minPerSecond: fc.double({ min: 0, max: 5, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(budgets, fc.array(step, { maxLength: 60 }), async ({ ratio, minPerSecond }, steps) => {
      const clock = testClock();
      const budget = retryBudget({ ratio, minPerSecond, clock });
      const { capacity } = budget.snapshot();
      const history: { readonly atMs: number; readonly fresh: number; readonly retries: number }[] = [];
      for (const { waitMs, fresh, wanted, givenBack } of steps) {
        if (waitMs > 0) await clock.advance(waitMs);
        for (let call = 0; call < fresh; call++) budget.deposit();
        let retries = 0;
        for (let call = 0; call < wanted; call++) if (budget.withdraw()) retries += 1;
        for (let call = 0; call < Math.min(givenBack, retries); call++) budget.giveBack();
        history.push({ atMs: clock.monotonicMs(), fresh, retries: retries - Math.min(givenBack, retries) });
        const { tokens } = budget.snapshot();
        expect(tokens >= 0 && tokens <= capacity).toBe(true);
      }
      for (const [from, first] of history.entries()) {
        let [fresh, retries] = [0, 0];
        for (const moment of history.slice(from)) {
          fresh += moment.fresh;
          retries += moment.retries;
          const windowS = (moment.atMs - first.atMs) / 1000;
          expect(retries).toBeLessThanOrEqual(minPerSecond * windowS + ratio * fresh + capacity + 1e-6);
        }
      }
    }),
    { numRuns: 60 },
  );
});
