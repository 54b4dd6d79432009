import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RetryBudget, retryBudget, type RetryCounter, retryCounter } from '../../src/guards/index.ts';
import { type SetClock, setClock } from './guard-world.ts';

function step<Model extends object, Real>(
  text: string,
  run: (model: Model, real: Real) => void,
): fc.Command<Model, Real> {
  return { check: () => true, run, toString: () => text };
}

interface CounterModel {
  count: number;
}

interface Counters {
  readonly counters: readonly [RetryCounter, RetryCounter];
}

const threshold = 4;

function agree({ count }: CounterModel, { counters }: Counters): void {
  for (const counter of counters) {
    expect([counter.count, counter.isTripped]).toEqual([count, count === threshold]);
    expect(counter.tryEnter()).toBe(count === threshold ? -1 : 0);
  }
}

const counterSteps = fc.nat(1).chain((of) =>
  fc.constantFrom(
    step<CounterModel, Counters>(`raise ${of}`, (model, real) => {
      const reached = model.count === threshold - 1;
      expect(real.counters[of as 0 | 1].raise()).toBe(reached);
      model.count = Math.min(threshold, model.count + 1);
      agree(model, real);
    }),
    step<CounterModel, Counters>(`settle ${of}`, (model, real) => {
      real.counters[of as 0 | 1].settle();
      if (model.count < threshold) model.count = 0;
      agree(model, real);
    }),
    step<CounterModel, Counters>(`reset ${of}`, (model, real) => {
      real.counters[of as 0 | 1].reset();
      model.count = 0;
      agree(model, real);
    }),
  ),
);

test('a retry counter on shared memory does what one number does, whoever moves it', () => {
  const weighted = [counterSteps, counterSteps.filter((command) => !String(command).startsWith('reset'))];
  fc.assert(
    fc.property(fc.commands(weighted, { maxCommands: 60, size: 'max' }), (commands) => {
      const shared = new SharedArrayBuffer(4);
      const counters = [retryCounter({ threshold, shared }), retryCounter({ threshold, shared })] as const;
      fc.modelRun(() => ({ model: { count: 0 }, real: { counters } }), commands);
    }),
    { numRuns: 200 },
  );
});

// A budget in whole numbers: ratio 0.25 and 2 a second, so that a call is 250 thousandths and a millisecond is 2.
interface BudgetModel {
  thousandths: number;
  /** What calls have paid in of what time would add, a second's worth at most. */
  ahead: number;
  granted: number;
  refused: number;
}

interface Budgeted {
  readonly budget: RetryBudget;
  readonly clock: SetClock;
}

const capacity = 6000;

function budgetStep(
  text: string,
  run: (model: BudgetModel, real: Budgeted) => void,
): fc.Command<BudgetModel, Budgeted> {
  return step(text, (model, real) => {
    run(model, real);
    const { tokens, granted, refused } = real.budget.snapshot();
    expect(tokens * 1000).toBeCloseTo(model.thousandths, 6);
    expect({ granted, refused }).toEqual({ granted: model.granted, refused: model.refused });
  });
}

const budgetSteps = [
  fc.constant(
    budgetStep('deposit', (model, { budget }) => {
      budget.deposit();
      model.thousandths = Math.min(capacity, model.thousandths + 250);
      model.ahead = Math.min(2000, model.ahead + 250);
    }),
  ),
  fc.constant(
    budgetStep('withdraw', (model, { budget }) => {
      const granted = model.thousandths >= 1000;
      expect(budget.withdraw()).toBe(granted);
      model.thousandths -= granted ? 1000 : 0;
      model[granted ? 'granted' : 'refused'] += 1;
    }),
  ),
  fc.constant(
    budgetStep('give back', (model, { budget }) => {
      if (model.granted === 0) return;
      budget.giveBack();
      model.granted -= 1;
      model.thousandths = Math.min(capacity, model.thousandths + 1000);
    }),
  ),
  fc.integer({ min: 1, max: 900 }).map((ms) =>
    budgetStep(`wait ${ms}`, (model, { clock }) => {
      clock.nowMs += ms;
      model.thousandths = Math.min(capacity, model.thousandths + Math.max(0, ms * 2 - model.ahead));
      model.ahead = Math.max(0, model.ahead - ms * 2);
    }),
  ),
];

test('a retry budget does what its model does, in any order of calls, retries and waits', () => {
  fc.assert(
    fc.property(fc.commands(budgetSteps, { maxCommands: 80, size: 'max' }), (commands) => {
      const clock = setClock();
      const budget = retryBudget({ ratio: 0.25, minPerSecond: 2, window: '3s', clock });
      const model: BudgetModel = { thousandths: capacity, ahead: 0, granted: 0, refused: 0 };
      fc.modelRun(() => ({ model, real: { budget, clock } }), commands);
    }),
    { numRuns: 300 },
  );
});
