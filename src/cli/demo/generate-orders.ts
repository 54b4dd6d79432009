import { type SeededRandom, seededRandom } from '../../ports/random.ts';
import { type Order, type OrderLine, unreachableCountry } from './order.ts';

// Shares as in the "Online Retail" invoices (Chen, UCI Machine Learning Repository, 2015): 15 % cancellations, 6 %
// write-offs with a negative quantity, most customers at home. Two lines are more frequent here than there.
const shares = Object.freeze({ cancelled: 0.15, unreachable: 0.03, writtenOff: 0.05, twoLines: 0.05 });
const abroad = ['Germany', 'France', 'EIRE', 'Spain', 'Netherlands', 'Belgium', 'Portugal', 'Japan'] as const;

function between(random: SeededRandom, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

function generateLine(random: SeededRandom, negative: boolean): OrderLine {
  const quantity = between(random, 1, 240);
  return { quantity: negative ? -quantity : quantity, unitPrice: between(random, 800, 129_999) };
}

function generateCountry(random: SeededRandom): string {
  if (random() < shares.unreachable) return unreachableCountry;
  return random() < 0.9 ? 'United Kingdom' : (abroad[between(random, 0, abroad.length - 1)] ?? 'EIRE');
}

function generateOrder(random: SeededRandom, index: number): Order {
  const cancelled = random() < shares.cancelled;
  const negative = !cancelled && random() < shares.writtenOff;
  const lineCount = random() < shares.twoLines ? 2 : 1;
  return {
    id: `${cancelled ? 'C' : ''}${600_001 + index}`,
    placedAt: `${between(random, 1, 12)}/${between(random, 1, 28)}/2011 ${between(random, 8, 17)}:${between(random, 10, 59)}`,
    customer: String(between(random, 12_000, 18_999)),
    country: generateCountry(random),
    lines: Array.from({ length: lineCount }, () => generateLine(random, negative)),
  };
}

/**
 * Makes orders that look like an on-line retailer's invoices: the same for the same seed, whatever the count.
 *
 * @param options.count how many.
 * @param options.seed any integer.
 * @example
 * generateOrders({ count: 2, seed: 1 }).length // => 2
 */
export function generateOrders({ count, seed }: { readonly count: number; readonly seed: number }): Order[] {
  const random = seededRandom(seed).split('orders');
  return Array.from({ length: count }, (_, index) => generateOrder(random.split(String(index)), index));
}
