import { expect, test } from 'vitest';
import { errorTypeOf } from './error-type.ts';

test('an error is known by its status, its code, the code of its cause, or its class, in this order', () => {
  const systemError = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  expect(errorTypeOf(Object.assign(new Error(), { status: 503, code: 'ERR_BAD_RESPONSE' }))).toBe('503');
  expect(errorTypeOf(Object.assign(new Error(), { code: 14, details: 'no connection' }))).toBe('UNAVAILABLE');
  expect(errorTypeOf(systemError)).toBe('ECONNREFUSED');
  expect(errorTypeOf(Object.assign(new Error(), { code: '40001' }))).toBe('40001');
  expect(errorTypeOf(new TypeError('fetch failed', { cause: systemError }))).toBe('ECONNREFUSED');
  expect(errorTypeOf(new RangeError('too big'))).toBe('RangeError');
});

test('nothing a message may hold, and no name without a bound, becomes a type', () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
    },
  );
  const sentence = Object.assign(new Error('user 7'), { name: 'user 7 of tenant b', code: 'a code with words' });
  const long = Object.assign(new Error('x'), { name: 'x'.repeat(65) });
  for (const odd of ['a secret', undefined, null, 7, hostile, {}, sentence, long]) {
    expect(errorTypeOf(odd)).toBe('_OTHER');
  }
});
