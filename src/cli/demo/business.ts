import { type Order, orderTotals, type Totals, unreachableCountry } from './order.ts';
import type { Service } from './participant-call.ts';

/** What a business decides about an order: an effect with its answer, or a refusal with its reason. */
export type Deed =
  | { readonly effect: Totals; readonly answer: Readonly<Record<string, string | number>> }
  | { readonly refusal: { readonly code: string; readonly message: string } };

/** One business: what it does with an order. Pure: the store writes the effect. Undoing takes the effect back. */
export type Business = (order: Order, sequence: number) => Deed;

/** Reserves every piece of the order; write-offs carry a negative quantity and take stock off the same way. */
function reserve(order: Order, sequence: number): Deed {
  const { quantity } = orderTotals(order);
  return { effect: { quantity, pence: 0 }, answer: { reservation: `R-${sequence}`, quantity } };
}

/** Charges the order's money; the bank declines invoices that were cancelled. */
function charge(order: Order, sequence: number): Deed {
  if (order.id.startsWith('C')) {
    return { refusal: { code: 'CARD_DECLINED', message: `invoice ${order.id} is declined by the bank` } };
  }
  const { pence } = orderTotals(order);
  return { effect: { quantity: 0, pence }, answer: { payment: `P-${sequence}`, pence } };
}

/** Hands the order to a carrier, where there is one. */
function ship(order: Order, sequence: number): Deed {
  if (order.country === unreachableCountry) {
    return { refusal: { code: 'NO_ROUTE', message: `no carrier goes to ${order.country}` } };
  }
  const { quantity } = orderTotals(order);
  return { effect: { quantity, pence: 0 }, answer: { trackingId: `T-${sequence}` } };
}

/** The three businesses by the name of their service. They know nothing of barriers and faults. */
export const businesses: Readonly<Record<Service, Business>> = Object.freeze({
  inventory: reserve,
  payment: charge,
  shipping: ship,
});

function isLine(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { quantity, unitPrice } = value as Record<string, unknown>;
  return Number.isSafeInteger(quantity) && Number.isSafeInteger(unitPrice);
}

/**
 * Reads the order out of a request's body.
 *
 * @throws {SyntaxError} when it is not JSON or not an order.
 */
export function readOrder(body: string): Order {
  const { input } = JSON.parse(body) as { readonly input?: Partial<Order> };
  const sound =
    typeof input?.id === 'string' &&
    typeof input.country === 'string' &&
    Array.isArray(input.lines) &&
    input.lines.every(isLine);
  if (!sound) throw new SyntaxError('Expected input to be an order with id, country and lines of whole numbers');
  return input as Order;
}
