import { expect, test } from 'vitest';
import { failureOf } from './failure.ts';
import { isDefinite, TerminalError } from './terminal-error.ts';

test("a failure keeps the business code, else the error's own code, else its name", () => {
  expect(failureOf(new TerminalError('no stock', { code: 'NO_STOCK' }), 'reserve')).toEqual({
    code: 'NO_STOCK',
    message: 'no stock',
    step: 'reserve',
  });
  expect(failureOf(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toEqual({
    code: 'ECONNRESET',
    message: 'reset',
  });
  expect(failureOf(new RangeError('too far'))).toEqual({ code: 'RangeError', message: 'too far' });
});

test('whatever was thrown becomes data: text, nothing, and what cannot be shown', () => {
  expect(failureOf('plain text')).toEqual({ code: 'UNKNOWN', message: 'plain text' });
  expect(failureOf(undefined)).toEqual({ code: 'UNKNOWN', message: 'undefined' });
  expect(failureOf(Object.create(null))).toEqual({ code: 'UNKNOWN', message: 'a value that cannot be shown' });
});

test('a message is kept to 2,000 characters: what a callee sends back must not fill the log', () => {
  expect(failureOf(new Error('x'.repeat(1_000_000))).message).toHaveLength(2001);
});

test('an error is definite by its property, so that it also counts across packages', () => {
  expect(isDefinite(new TerminalError('no'))).toBe(true);
  expect(isDefinite({ definite: true })).toBe(true);
  expect([isDefinite(new Error('no')), isDefinite(null), isDefinite('definite')]).toEqual([false, false, false]);
});
