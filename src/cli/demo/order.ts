/** One price level of an order. */
export interface OrderLine {
  /** Pieces, a safe integer; negative when stock is written off. */
  readonly quantity: number;
  /** Price of a piece in ten-thousandths of a pound: the invoices carry up to four decimals. */
  readonly unitPrice: number;
}

/** One order: what the saga is started with. Its id is the invoice number and becomes the saga's id. */
export interface Order {
  readonly id: string;
  readonly placedAt: string;
  readonly customer: string;
  readonly country: string;
  readonly lines: readonly OrderLine[];
}

/** Pieces and money of something, in whole numbers. */
export interface Totals {
  readonly quantity: number;
  readonly pence: number;
}

/** Quantities and prices stay within these, so that their product is a safe integer. */
export const lineLimits: OrderLine = Object.freeze({ quantity: 999_999, unitPrice: 999_999_999 });

/** A country that no carrier of the shipping service goes to. */
export const unreachableCountry = 'Antarctica';

/**
 * The money of one line: quantity times price, rounded half away from zero to a penny, in integers throughout.
 *
 * @example
 * linePence({ quantity: 3, unitPrice: 18_350 }) // => 551
 */
export function linePence({ quantity, unitPrice }: OrderLine): number {
  const hundredthsOfPence = quantity * unitPrice;
  // Half away from zero, as invoices round: Math.round alone would send −0.5 to −0.
  const pence = Math.floor((Math.abs(hundredthsOfPence) + 50) / 100);
  return hundredthsOfPence < 0 ? -pence : pence;
}

/** Pieces and money of a whole order. */
export function orderTotals(order: Order): Totals {
  let quantity = 0;
  let pence = 0;
  for (const line of order.lines) {
    quantity += line.quantity;
    pence += linePence(line);
  }
  return { quantity, pence };
}

/**
 * Which participant must refuse an order, seen from the input alone: the audit measures the run against this and does
 * not ask those whom it audits.
 */
export function expectedRefusal(order: Order): 'payment' | 'shipping' | undefined {
  if (order.id.startsWith('C')) return 'payment';
  return order.country === unreachableCountry ? 'shipping' : undefined;
}
