import { expect, test } from 'vitest';
import { adviceCost, typeCost } from '../../scripts/type-cost.ts';

test('a saga of 50 steps costs the compiler a bounded number of instantiations', () => {
  const { instantiations } = typeCost(50);
  // 88,000 when this was written, 14,000 of them for `require` whether it is used or not; the bound is to catch a type that
  // grows with the square of the steps.
  expect(instantiations).toBeLessThan(105_000);
  expect(instantiations).toBeGreaterThan(10_000);
});

test('advice costs the compiler a bounded number of instantiations for each set of facts', () => {
  const each = (adviceCost(101).instantiations - adviceCost(1).instantiations) / 100;
  // 3,000 when this was written, most of them to read three numbers and compare them; a contradiction takes 4,300.
  expect(each).toBeLessThan(4000);
});
