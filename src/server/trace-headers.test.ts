import { expect, test } from 'vitest';
import { withTrace } from './trace-headers.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('a saga belongs to the trace of the request that starts it, with its state and baggage', () => {
  const request = new Headers({ traceparent, tracestate: 'a=1', baggage: 'user=7', 'x-other': 'no' });
  expect(withTrace({ 'x-tenant': 'b' }, request)).toEqual({
    traceparent,
    tracestate: 'a=1',
    baggage: 'user=7',
    'x-tenant': 'b',
  });
  expect(withTrace(undefined, new Headers({ traceparent }))).toEqual({ traceparent });
});

test('one that names a trace itself keeps its own; what is no trace is left out', () => {
  const own = { Traceparent: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00' };
  expect(withTrace(own, new Headers({ traceparent, tracestate: 'a=1' }))).toBe(own);
  const none = ['', 'x', traceparent.replace('00-', 'ff-'), traceparent.replaceAll(/[1-9a-f]/g, '0')];
  for (const text of none) expect(withTrace(undefined, new Headers({ traceparent: text }))).toBeUndefined();
  expect(withTrace(undefined, new Headers({ tracestate: 'a=1' }))).toBeUndefined();
});
