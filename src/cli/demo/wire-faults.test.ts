import { expect, test } from 'vitest';
import { drawFault, type WireFault, wireFaults } from './wire-faults.ts';

const call = (index: number, attempt = 1) =>
  ({ saga: String(536_365 + index), step: 'charge', phase: 'action', attempt }) as const;

test('the same seed, saga, step, phase and attempt meet the same fault, in whatever order they come', () => {
  const plan = { seed: 3, failRate: 0.5 };
  const draw = (index: number) => drawFault(plan, call(index));
  const forward = Array.from({ length: 500 }, (_, index) => draw(index));
  const backward = Array.from({ length: 500 }, (_, index) => draw(499 - index)).toReversed();
  expect(backward).toEqual(forward);
  expect(Array.from({ length: 500 }, (_, index) => drawFault({ ...plan, seed: 4 }, call(index)))).not.toEqual(forward);
});

test('each attempt, phase and step draws for itself, so a fault is not met again for ever', () => {
  const plan = { seed: 3, failRate: 0.5 };
  const attempts = Array.from({ length: 200 }, (_, index) => drawFault(plan, call(1, index + 1)) === undefined);
  expect(attempts.filter(Boolean).length).toBeGreaterThan(60);
  const phases = Array.from({ length: 200 }, (_, index) => {
    const action = drawFault(plan, call(index)) === undefined;
    return action === (drawFault(plan, { ...call(index), phase: 'compensation' }) === undefined);
  });
  expect(new Set(phases).size).toBe(2);
});

function shareOfFaults(failRate: number): number {
  let met = 0;
  for (let index = 0; index < 50_000; index++) if (drawFault({ seed: 1, failRate }, call(index)) !== undefined) met++;
  return met / 50_000;
}

test('the share of attempts with a fault is the fail rate: none at 0, all at 1, 5 % within 0.5 % over 50,000', () => {
  expect(shareOfFaults(0)).toBe(0);
  expect(shareOfFaults(1)).toBe(1);
  expect(Math.abs(shareOfFaults(0.05) - 0.05)).toBeLessThan(0.005);
});

test('every kind of fault comes up, time-outs least often; a slow answer takes 1 to 300 ms', () => {
  const counts = new Map<WireFault, number>();
  for (let index = 0; index < 12_000; index++) {
    const fault = drawFault({ seed: 1, failRate: 1 }, call(index));
    if (fault === undefined) continue;
    counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
    expect(fault.delayMs).toBeGreaterThanOrEqual(1);
    expect(fault.delayMs).toBeLessThanOrEqual(300);
  }
  const byKind = wireFaults.map((kind) => Math.round((counts.get(kind) ?? 0) / 1000));
  expect(byKind).toEqual([3, 2, 3, 1, 3]);
});
