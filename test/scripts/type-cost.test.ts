import { expect, test } from 'vitest';
import { typeCost } from '../../scripts/type-cost.ts';

test('a saga of 50 steps costs the compiler a bounded number of instantiations', () => {
  const { instantiations } = typeCost(50);
  // 71,000 when this was written; the bound is to catch a type that grows with the square of the steps.
  expect(instantiations).toBeLessThan(90_000);
  expect(instantiations).toBeGreaterThan(10_000);
});
