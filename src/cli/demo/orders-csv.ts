import { UsageError } from '../exit-codes.ts';
import { csvFields } from './csv-fields.ts';
import { lineLimits, type Order, type OrderLine } from './order.ts';

const columns = ['InvoiceNo', 'InvoiceDate', 'CustomerID', 'Country', 'Quantity', 'UnitPrice'] as const;
type Column = (typeof columns)[number];

/** What a file of invoices holds. */
export interface OrdersFile {
  /** In the order of their first row; rows with the same invoice number are lines of one order. */
  readonly orders: readonly Order[];
  /** Rows read, good and bad, without the header. */
  readonly rows: number;
  /** One message for each row that could not be used: `orders.csv:17: Quantity: expected an integer, got "abc"`. */
  readonly badRows: readonly string[];
}

/** One row, checked. */
interface InvoiceRow extends OrderLine {
  readonly id: string;
  readonly placedAt: string;
  readonly customer: string;
  readonly country: string;
}

/** Why a row cannot be used. */
class BadRowError extends Error {
  override readonly name = 'BadRowError';
}

/**
 * Reads orders from the text of a CSV file with the columns `InvoiceNo, InvoiceDate, CustomerID, Country, Quantity,
 * UnitPrice`, in any order and among others. A row that is wrong is reported and left out; the others count.
 *
 * @param text the whole file; a byte order mark and either line ending are fine.
 * @param name what to call the file in messages.
 * @throws {UsageError} when a column is missing, or there is no header.
 */
export function readOrders(text: string, name: string): OrdersFile {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const places = findColumns(lines[0], name);
  const orders = new Map<string, Order & { readonly lines: OrderLine[] }>();
  const badRows: string[] = [];
  for (let index = 1; index < lines.length; index++) {
    try {
      addRow(orders, readRow(lines[index] ?? '', places));
    } catch (error) {
      if (!(error instanceof BadRowError || error instanceof SyntaxError)) throw error;
      badRows.push(`${name}:${index + 1}: ${error.message}`);
    }
  }
  return { orders: [...orders.values()], rows: Math.max(0, lines.length - 1), badRows };
}

interface Places {
  readonly of: Readonly<Record<Column, number>>;
  readonly count: number;
}

function findColumns(header: string | undefined, name: string): Places {
  if (header === undefined || header.trim() === '') {
    throw new UsageError(`${name}:1: expected a header with the columns ${columns.join(', ')}, the file is empty`);
  }
  let names: string[];
  try {
    names = csvFields(header).map((field) => field.trim());
  } catch (error) {
    throw new UsageError(`${name}:1: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new UsageError(`${name}:1: expected the columns ${columns.join(', ')}; missing: ${missing.join(', ')}`);
  }
  const of = Object.fromEntries(columns.map((column) => [column, names.indexOf(column)]));
  return { of: of as Record<Column, number>, count: names.length };
}

function readRow(line: string, places: Places): InvoiceRow {
  if (line === '') throw new BadRowError(`expected ${places.count} fields, got an empty line`);
  const fields = csvFields(line);
  if (fields.length !== places.count) throw new BadRowError(`expected ${places.count} fields, got ${fields.length}`);
  const field = (column: Column): string => fields[places.of[column]] ?? '';
  return {
    id: readId(field('InvoiceNo')),
    placedAt: readDate(field('InvoiceDate')),
    customer: readText('CustomerID', field('CustomerID')),
    country: readText('Country', field('Country')),
    quantity: readQuantity(field('Quantity')),
    unitPrice: readUnitPrice(field('UnitPrice')),
  };
}

function refuse(column: Column, expected: string, got: string): never {
  throw new BadRowError(`${column}: expected ${expected}, got ${JSON.stringify(got.slice(0, 60))}`);
}

// The number becomes the saga's id, which travels in URLs and headers; an id of a saga takes no more than these.
function readId(text: string): string {
  if (!/^[A-Za-z0-9_.~:@-]{1,100}$/.test(text) || text === '.' || text === '..') {
    refuse('InvoiceNo', '1 to 100 letters, digits or _ . ~ : @ -', text);
  }
  return text;
}

const datePattern = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})$/;

function readDate(text: string): string {
  const [month, day, year, hour, minute] = (datePattern.exec(text) ?? []).slice(1).map(Number);
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute));
  const same = date.getUTCMonth() + 1 === month && date.getUTCDate() === day;
  if (!same || (hour ?? 24) > 23 || (minute ?? 60) > 59) refuse('InvoiceDate', 'a date as M/D/YYYY H:MM', text);
  return text;
}

function readText(column: Column, text: string): string {
  if (text.trim() === '' || text.length > 100) refuse(column, '1 to 100 characters', text);
  return text;
}

function readQuantity(text: string): number {
  if (!/^-?\d{1,6}$/.test(text)) {
    // Two messages, since "an integer" would be a lie to someone whose integer is only too large.
    if (/^-?\d+$/.test(text)) refuse('Quantity', `an integer of at most ±${lineLimits.quantity}`, text);
    refuse('Quantity', 'an integer', text);
  }
  return Number(text);
}

const pricePattern = /^(-?)(\d{1,9})(?:\.(\d{1,4}))?$/;

function readUnitPrice(text: string): number {
  const match = pricePattern.exec(text);
  if (match === null) return refuse('UnitPrice', 'pounds with at most 4 decimals', text);
  // Built from digits, never through a fraction: 4.8533 has no exact binary form.
  const size = Number(match[2]) * 10_000 + Number((match[3] ?? '').padEnd(4, '0'));
  if (size > lineLimits.unitPrice) refuse('UnitPrice', `at most ±${lineLimits.unitPrice / 10_000} pounds`, text);
  return match[1] === '-' && size !== 0 ? -size : size;
}

function addRow(orders: Map<string, Order & { readonly lines: OrderLine[] }>, row: InvoiceRow): void {
  const { id, placedAt, customer, country, quantity, unitPrice } = row;
  const order = orders.get(id);
  if (order === undefined) {
    orders.set(id, { id, placedAt, customer, country, lines: [{ quantity, unitPrice }] });
    return;
  }
  if (order.customer !== customer) refuse('CustomerID', `${order.customer} as in the rows of ${id} before`, customer);
  if (order.country !== country) refuse('Country', `${order.country} as in the rows of ${id} before`, country);
  order.lines.push({ quantity, unitPrice });
}
