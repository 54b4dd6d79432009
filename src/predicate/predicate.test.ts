import { expect, test } from 'vitest';
import { byCode, byGrpcStatus, bySqlState } from './by-code.ts';
import { byStatus, type StatusPattern } from './by-status.ts';
import { causedBy } from './caused-by.ts';
import type { GrpcStatus } from './error-facts.ts';
import { allOf, anyOf, type ErrorTest, predicate } from './predicate.ts';

const always = predicate(() => true);
const never = predicate(() => false);
const unasked: ErrorTest = () => {
  throw new Error('should not be asked');
};

test('and, or, not, anyOf and allOf combine as in logic, and ask no further than needed', () => {
  expect([always.and(never)(1), always.or(unasked)(1), never.and(unasked)(1), never.not()(1)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
  expect([anyOf(never, always, unasked)(1), allOf(always, never, unasked)(1)]).toEqual([true, false]);
  expect([anyOf()(1), allOf()(1)]).toEqual([false, true]);
});

test('a predicate is handed whatever was thrown, and plain functions can be combined with it', () => {
  const isNegative = predicate((error) => typeof error === 'number' && error < 0);
  expect([isNegative(-1), isNegative.or((error) => error === 'stop')('stop')]).toEqual([true, true]);
});

test('what a test throws passes through, to be handled by who asks', () => {
  expect(() => always.and(unasked)(1)).toThrow('should not be asked');
  expect(() => causedBy(unasked)(1)).toThrow('should not be asked');
});

test('combining does not change the function it was made of', () => {
  predicate(unasked).and(always).or(never).not();
  expect(Object.keys(unasked)).toEqual([]);
});

test('refuses what is no function, saying which', () => {
  const text = 'ECONNRESET' as unknown as ErrorTest;
  expect(() => predicate(text)).toThrow(new TypeError('Expected test to be a function of an error, got string'));
  expect(() => anyOf(always, text)).toThrow('Expected test 2 to be a function of an error, got string');
  expect(() => always.and(text)).toThrow(TypeError);
  expect(() => causedBy(text)).toThrow(TypeError);
});

test('byCode compares exactly and looks only at the error itself', () => {
  const isBusy = byCode('EBUSY', 11_000);
  expect(
    [{ code: 'EBUSY' }, { code: 11_000 }, { code: '11000' }, { cause: { code: 'EBUSY' } }, null].map(isBusy),
  ).toEqual([true, true, false, false, false]);
  expect(() => byCode(undefined as unknown as string)).toThrow('Expected an error code to be text or a number');
});

test('byStatus matches statuses and classes of them', () => {
  const matches = byStatus(429, '5xx');
  const statuses = [428, 429, 430, 499, 500, 599].filter((status) => matches({ status }));
  expect(statuses).toEqual([429, 500, 599]);
  expect([{ status: '503' }, { status: 600 }, { status: 503.5 }, undefined].map(matches)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('byStatus refuses what is no status or class', () => {
  for (const pattern of [42, 600, Number.NaN, '5XX', '6xx', '503', null]) {
    expect(() => byStatus(pattern as StatusPattern)).toThrow(RangeError);
  }
  expect(() => byStatus('6xx' as StatusPattern)).toThrow(
    'Expected an HTTP status from 100 to 599 or a class such as "5xx", got "6xx"',
  );
});

test('byGrpcStatus reads names, and numbers of gRPC errors only', () => {
  const isUnavailable = byGrpcStatus('UNAVAILABLE', 'ABORTED');
  const errors = [
    { code: 'UNAVAILABLE' },
    { status: 'ABORTED' },
    { code: 14, metadata: {} },
    { code: 14 },
    { code: 5, details: '' },
  ];
  expect(errors.map(isUnavailable)).toEqual([true, true, true, false, false]);
  expect(() => byGrpcStatus('UNREACHABLE' as GrpcStatus)).toThrow(
    'Expected a gRPC status such as "UNAVAILABLE", got "UNREACHABLE"',
  );
});

test('bySqlState matches a state or the class before the star', () => {
  const matches = bySqlState('40001', '08*');
  expect(['40001', '40002', '08006', '0800', '57P01'].map((code) => matches({ code }))).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
  expect(matches({ code: 'ER_LOCK_DEADLOCK', sqlState: '40001' })).toBe(true);
  for (const pattern of ['4001', '08', '08p01', '*', '']) expect(() => bySqlState(pattern)).toThrow(RangeError);
});

test('causedBy looks at the error, its causes and the errors of aggregates, nearest first', () => {
  const root = Object.assign(new Error('root'), { code: 'EBUSY' });
  const aggregate = new AggregateError([new Error('one'), new Error('two', { cause: root })]);
  const outer = new Error('outer', { cause: aggregate });
  expect(causedBy(byCode('EBUSY'))(outer)).toBe(true);
  expect(causedBy(byCode('EBUSY'))(root)).toBe(true);
  expect(causedBy(byCode('ENOENT'))(outer)).toBe(false);
  const seen: unknown[] = [];
  causedBy((error) => seen.push(error) < 0)(outer);
  expect(seen).toEqual([outer, aggregate, ...aggregate.errors, root]);
});

test('causedBy sees thrown things that are no errors', () => {
  expect(causedBy((error) => error === 'late')(new Error('odd', { cause: 'late' }))).toBe(true);
  expect(causedBy((error) => error === undefined)(undefined)).toBe(true);
});

test('causedBy asks each error of a circle once', () => {
  const circle = new AggregateError([]);
  circle.errors.push(circle, circle);
  circle.cause = circle;
  let asked = 0;
  expect(causedBy(() => ++asked < 0)(circle)).toBe(false);
  expect(asked).toBe(1);
});

test('causedBy looks at no more than maxErrors errors of an endless chain', () => {
  const endless = (): object => ({
    get cause() {
      return endless();
    },
  });
  let asked = 0;
  expect(causedBy(() => ++asked < 0)(endless())).toBe(false);
  expect(asked).toBe(1000);
  asked = 0;
  expect(causedBy(() => ++asked < 0, { maxErrors: 3 })(new AggregateError([1, 2, 3, 4]))).toBe(false);
  expect(asked).toBe(3);
  expect(() => causedBy(always, { maxErrors: 0 })).toThrow('Expected maxErrors to be an integer ≥ 1, got 0');
});

test('causedBy is not harmed by getters that throw', () => {
  const hostile = {
    get cause(): unknown {
      throw new Error('no');
    },
    errors: [{ code: 'EBUSY' }],
  };
  expect(causedBy(byCode('EBUSY'))(hostile)).toBe(true);
});
