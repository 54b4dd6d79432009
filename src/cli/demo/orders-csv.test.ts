import { expect, test } from 'vitest';
import { UsageError } from '../exit-codes.ts';
import { csvFields } from './csv-fields.ts';
import { readOrders } from './orders-csv.ts';

const header = 'InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice';
const file = (...rows: string[]): string => `${[header, ...rows].join('\n')}\n`;
const good = '536365,12/1/2010 8:26,17850,United Kingdom,40,3.91';

test('reads quoted fields with commas and doubled quotes, and empty fields', () => {
  expect(csvFields('"a, ""b""",,c,""')).toEqual(['a, "b"', '', 'c', '']);
  expect(csvFields('')).toEqual(['']);
  expect(csvFields('a,')).toEqual(['a', '']);
});

test('refuses quotes that are not closed, stand inside a field, or end before the field does', () => {
  expect(() => csvFields('a,"b')).toThrow(new SyntaxError('the quote at character 3 is not closed on its line'));
  expect(() => csvFields('a,b"c"')).toThrow(new SyntaxError('a quote stands inside the unquoted field "b\\"c\\""'));
  expect(() => csvFields('"a"b,c')).toThrow('expected a comma after the quoted field that ends at character 3');
});

test('rows with one invoice number are lines of one order, wherever they stand', () => {
  const { orders, rows, badRows } = readOrders(
    file(good, '536366,12/1/2010 8:28,1,EIRE,-5,0', good.replace('40,3.91', '2,4.8533')),
    'f',
  );
  expect({ rows, badRows }).toEqual({ rows: 3, badRows: [] });
  expect(orders).toEqual([
    {
      id: '536365',
      placedAt: '12/1/2010 8:26',
      customer: '17850',
      country: 'United Kingdom',
      lines: [
        { quantity: 40, unitPrice: 39_100 },
        { quantity: 2, unitPrice: 48_533 },
      ],
    },
    {
      id: '536366',
      placedAt: '12/1/2010 8:28',
      customer: '1',
      country: 'EIRE',
      lines: [{ quantity: -5, unitPrice: 0 }],
    },
  ]);
});

test('takes columns in any order and among others, a byte order mark, and CRLF', () => {
  const text =
    '\uFEFFNote,UnitPrice,Quantity,Country,CustomerID,InvoiceDate,InvoiceNo\r\n"x, y",-11062.06,1,EIRE,(blank),8/12/2011 14:51,A563186\r\n';
  const { orders, badRows } = readOrders(text, 'f');
  expect(badRows).toEqual([]);
  expect(orders[0]).toMatchObject({
    id: 'A563186',
    customer: '(blank)',
    lines: [{ quantity: 1, unitPrice: -110_620_600 }],
  });
});

type RowChange = Partial<Record<'id' | 'date' | 'customer' | 'country' | 'quantity' | 'price', string>>;

function row(change: RowChange): string {
  const { id = '1', date = '1/2/2011 9:05', customer = '7', country = 'EIRE', quantity = '1', price = '1' } = change;
  return [id, date, customer, country, quantity, price].join(',');
}

test('names file, line, column, expectation and value of every bad row, counts it, and goes on with the others', () => {
  const { orders, rows, badRows } = readOrders(
    file(
      row({ quantity: 'abc' }),
      row({ quantity: '1.5' }),
      row({ quantity: '1000000' }),
      row({ price: '1.23456' }),
      row({ price: '100000' }),
      row({ price: '' }),
      row({ id: 'a/b' }),
      row({ id: '..' }),
      row({ date: '13/1/2011 9:05' }),
      row({ date: '2/30/2011 9:05' }),
      row({ date: '1/2/2011 24:00' }),
      row({ country: ' ' }),
      '1,2',
      '',
      '"1,1/2/2011 9:05,7,EIRE,1,1',
      good,
      row({ id: '536365', country: 'EIRE', customer: '17850' }),
    ),
    'orders.csv',
  );
  expect(badRows).toEqual([
    'orders.csv:2: Quantity: expected an integer, got "abc"',
    'orders.csv:3: Quantity: expected an integer, got "1.5"',
    'orders.csv:4: Quantity: expected an integer of at most ±999999, got "1000000"',
    'orders.csv:5: UnitPrice: expected pounds with at most 4 decimals, got "1.23456"',
    'orders.csv:6: UnitPrice: expected at most ±99999.9999 pounds, got "100000"',
    'orders.csv:7: UnitPrice: expected pounds with at most 4 decimals, got ""',
    'orders.csv:8: InvoiceNo: expected 1 to 100 letters, digits or _ . ~ : @ -, got "a/b"',
    'orders.csv:9: InvoiceNo: expected 1 to 100 letters, digits or _ . ~ : @ -, got ".."',
    'orders.csv:10: InvoiceDate: expected a date as M/D/YYYY H:MM, got "13/1/2011 9:05"',
    'orders.csv:11: InvoiceDate: expected a date as M/D/YYYY H:MM, got "2/30/2011 9:05"',
    'orders.csv:12: InvoiceDate: expected a date as M/D/YYYY H:MM, got "1/2/2011 24:00"',
    'orders.csv:13: Country: expected 1 to 100 characters, got " "',
    'orders.csv:14: expected 6 fields, got 2',
    'orders.csv:15: expected 6 fields, got an empty line',
    'orders.csv:16: the quote at character 1 is not closed on its line',
    'orders.csv:18: Country: expected United Kingdom as in the rows of 536365 before, got "EIRE"',
  ]);
  expect({ rows, orders: orders.map((order) => order.id) }).toEqual({ rows: 17, orders: ['536365'] });
});

test('refuses a file without a header or with a column missing, since no row could be read', () => {
  expect(() => readOrders('', 'f.csv')).toThrow(UsageError);
  expect(() => readOrders('"InvoiceNo', 'f.csv')).toThrow(UsageError);
  expect(() => readOrders('InvoiceNo,InvoiceDate,CustomerID,Country\n', 'f.csv')).toThrow(
    new UsageError(`f.csv:1: expected the columns ${header.split(',').join(', ')}; missing: Quantity, UnitPrice`),
  );
});
