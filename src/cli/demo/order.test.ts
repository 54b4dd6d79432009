import { expect, test } from 'vitest';
import { generateOrders } from './generate-orders.ts';
import { expectedRefusal, lineLimits, linePence, orderTotals } from './order.ts';

test('money is quantity times price, rounded half away from zero, the same for both signs', () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [1, 50, 1],
    [-1, 50, -1],
    [1, 49, 0],
    [3, 18_350, 551],
    [-3, 18_350, -551],
    [83, 48_533, 40_282],
    [1, -110_620_600, -1_106_206],
  ];
  for (const [quantity, unitPrice, pence] of cases) expect(linePence({ quantity, unitPrice })).toBe(pence);
});

test('money stays exact at the largest quantity and price', () => {
  const { quantity, unitPrice } = lineLimits;
  const exact = (BigInt(quantity) * BigInt(unitPrice) + 50n) / 100n;
  expect(BigInt(linePence({ quantity, unitPrice }))).toBe(exact);
});

test('each line is rounded by itself, then added', () => {
  const lines = [
    { quantity: 1, unitPrice: 50 },
    { quantity: 1, unitPrice: 50 },
  ];
  expect(orderTotals({ id: '1', placedAt: '', customer: '', country: '', lines })).toEqual({ quantity: 2, pence: 2 });
});

test('the same seed gives the same orders, a longer list begins with the shorter one, another seed differs', () => {
  const orders = generateOrders({ count: 200, seed: 7 });
  expect(generateOrders({ count: 200, seed: 7 })).toEqual(orders);
  expect(generateOrders({ count: 500, seed: 7 }).slice(0, 200)).toEqual(orders);
  expect(generateOrders({ count: 200, seed: 8 })).not.toEqual(orders);
});

test('generated orders have ids of their own, all kinds of endings, two-line orders and write-offs', () => {
  const orders = generateOrders({ count: 2000, seed: 1 });
  expect(new Set(orders.map((order) => order.id)).size).toBe(2000);
  const refused = Map.groupBy(orders, expectedRefusal);
  expect(refused.get('payment')?.length).toBeGreaterThan(200);
  expect(refused.get('shipping')?.length).toBeGreaterThan(20);
  expect(refused.get(undefined)?.length).toBeGreaterThan(1500);
  expect(orders.some((order) => order.lines.length === 2)).toBe(true);
  expect(orders.some((order) => order.lines.some((line) => line.quantity < 0))).toBe(true);
});
