import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.UTC(2026, 10, 24, 12, 0, 0);
const at = (value: string, date?: string): unknown => ({
  headers: { 'retry-after': value, ...(date !== undefined && { date }) },
});

test('reads seconds from Headers, Map and plain objects with names in any case', () => {
  expect(retryAfterMs({ headers: new Headers({ 'Retry-After': '60' }) })).toBe(60_000);
  expect(retryAfterMs({ headers: new Map([['retry-after', '2']]) })).toBe(2000);
  expect(retryAfterMs({ headers: { 'RETRY-AFTER': ' 3 ' } })).toBe(3000);
  expect(retryAfterMs({ headers: { 'retry-after': ['4', '9'] } })).toBe(4000);
  expect(retryAfterMs({ response: { headers: { 'retry-after': 5 } } })).toBe(5000);
  expect(retryAfterMs({ response: new Response(null, { status: 503, headers: { 'Retry-After': '6' } }) })).toBe(6000);
});

test('reads all three date forms of RFC 9110, from now or from the Date header of the same answer', () => {
  expect(retryAfterMs(at('Tue, 24 Nov 2026 12:00:30 GMT'), now)).toBe(30_000);
  expect(retryAfterMs(at('Tuesday, 24-Nov-26 12:00:30 GMT'), now)).toBe(30_000);
  expect(retryAfterMs(at('Tue, 24 Nov 2026 11:00:00 GMT'), now)).toBe(0);
  const sent = 'Tue, 24 Nov 2026 12:00:20 GMT';
  expect(retryAfterMs(at('Tue, 24 Nov 2026 12:00:30 GMT', sent), now + 3_600_000)).toBe(10_000);
  expect(retryAfterMs(at('Tue, 24 Nov 2026 12:00:30 GMT'))).toBeUndefined();
});

test('an asctime date is GMT, whatever the time zone of this machine', () => {
  expect(retryAfterMs(at('Tue Nov 24 12:00:30 2026'), now)).toBe(30_000);
});

test('retryAfterMs on the error comes first; causes are asked when the error says nothing', () => {
  expect(retryAfterMs({ retryAfterMs: 1500, headers: { 'retry-after': '9' } })).toBe(1500);
  expect(retryAfterMs(new Error('could not load', { cause: { response: { headers: { 'Retry-After': '7' } } } }))).toBe(
    7000,
  );
  const circle: { cause?: unknown } = {};
  circle.cause = circle;
  expect(retryAfterMs(circle)).toBeUndefined();
});

test('what cannot be read is no wish: text, negative, fractions, infinite, hostile objects', () => {
  for (const value of ['soon', '-5', '1.5', '', '1e9', '99999999999999', null, {}, []]) {
    expect(retryAfterMs({ headers: { 'retry-after': value } }, now)).toBeUndefined();
  }
  for (const own of [Number.NaN, Infinity, -1, '5']) expect(retryAfterMs({ retryAfterMs: own })).toBeUndefined();
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no');
      },
    },
  );
  expect(retryAfterMs(hostile)).toBeUndefined();
  expect(retryAfterMs({ headers: hostile })).toBeUndefined();
  for (const thrown of [undefined, null, 'text', 42]) expect(retryAfterMs(thrown)).toBeUndefined();
});
