import { expect, test } from 'vitest';
import { testClock } from '../testing/test-clock.ts';
import { withDeadline } from '../time/deadline.ts';
import type { RemoteCall } from './remote-caller.ts';
import { checkTarget, isReservedHeader, remoteCallOf, type RemoteTarget } from './remote-request.ts';

const target: RemoteTarget = checkTarget('http://inventory/reserve', 'url');

function contextOf(headers: Readonly<Record<string, string>> = {}, output?: unknown) {
  return {
    sagaId: 'order-1',
    step: 'reserve',
    attempt: 2,
    isPoll: false,
    epoch: 3,
    idempotencyKey: 'order-1/reserve/action',
    signal: withDeadline(undefined, '2500ms', { clock: testClock() }),
    headers,
    input: { sku: 'a' },
    results: {},
    item: undefined,
    place: undefined,
    pin: undefined,
    output,
  };
}

const input = (): unknown => ({ sku: 'a' });

test('a call says which it is, and how long it may take', () => {
  const { headers, body, method, url, remainingMs } = remoteCallOf(target, 'action', contextOf(), input);
  expect({ method, url, body, remainingMs }).toEqual({
    method: 'POST',
    url: 'http://inventory/reserve',
    body: '{"sku":"a"}',
    remainingMs: 2500,
  });
  expect(headers).toEqual({
    Accept: 'application/json, application/problem+json',
    'Content-Type': 'application/json',
    'Idempotency-Key': 'order-1/reserve/action',
    'Makegood-Saga': 'order-1',
    'Makegood-Step': 'reserve',
    'Makegood-Phase': 'action',
    'Makegood-Attempt': '2',
    'Makegood-Epoch': '3',
    'Makegood-Deadline': '2500',
  });
});

test('a compensation says what was given and what came of it, where that is known', () => {
  expect(remoteCallOf(target, 'compensation', contextOf({}, 7), input).body).toBe('{"input":{"sku":"a"},"output":7}');
  expect(remoteCallOf(target, 'compensation', contextOf(), input).body).toBe('{"input":{"sku":"a"}}');
  expect(remoteCallOf(target, 'status', contextOf({}, 7), input).body).toBe('{"input":{"sku":"a"}}');
});

test('headers of the saga go along, once each whatever their case; the target has the last word', () => {
  const own = checkTarget({ url: 'http://inventory/', headers: { 'X-Tenant': 'b' } }, 'url');
  const { headers } = remoteCallOf(own, 'action', contextOf({ 'x-tenant': 'a', traceparent: '00-a-b-01' }), input);
  expect(headers).toMatchObject({ 'X-Tenant': 'b', traceparent: '00-a-b-01' });
  expect(headers).not.toHaveProperty('x-tenant');
});

test.each([
  ['a\r\nX-Evil: 1', 'x'],
  ['x', 'a\r\nX-Evil: 1'],
  ['x', 'a\u0000'],
  ['x', '€'],
  ['Makegood-Epoch', '9'],
  ['content-length', '9'],
  ['Host', 'inside'],
  ['transfer-encoding', 'chunked'],
  ['x', 'y'.repeat(17_000)],
])('a header that cannot be sent is not: %j %j', (name, value) => {
  const call = () => remoteCallOf(target, 'action', contextOf({ [name]: value }), input);
  expect(call).toThrow(expect.objectContaining({ code: 'MAKEGOOD_CALL_UNSENDABLE', effect: 'none' }));
});

function callWith(make: () => unknown): () => RemoteCall {
  return () => remoteCallOf(target, 'action', contextOf(), make);
}

test('an input that cannot be made says that nothing was done', () => {
  const unsendable = expect.objectContaining({ code: 'MAKEGOOD_CALL_UNSENDABLE', effect: 'none' }) as Error;
  expect(callWith(() => 1n)).toThrow(unsendable);
  expect(
    callWith(() => {
      throw new RangeError('no such path');
    }),
  ).toThrow(unsendable);
});

test.each([
  ['inventory/reserve', 'to be an absolute http or https URL'],
  ['ftp://inventory/', 'to be an absolute http or https URL'],
  ['javascript:alert(1)', 'to be an absolute http or https URL'],
  ['http://user:secret@inventory/', 'to have no user and password'],
  [{ url: 'http://inventory/', method: 'GET' as never }, 'the method of url'],
  [{ url: 'http://inventory/', headers: { Host: 'inside' } }, 'it is set by the protocol'],
  [undefined as never, 'to be an absolute http or https URL'],
])('a target is checked where it enters: %j', (given, words) => {
  expect(() => checkTarget(given, 'url')).toThrow(words);
});

test('what a target refuses does not show a password', () => {
  expect(() => checkTarget('http://user:secret@inventory/', 'url')).not.toThrow('secret');
});

test('reserved are the names of the protocol and of the connection', () => {
  expect(
    ['Host', 'content-type', 'MAKEGOOD-X', 'Idempotency-Key', 'Proxy-Authorization'].map(isReservedHeader),
  ).toEqual(Array(5).fill(true));
  expect(['Authorization', 'traceparent', 'x-makegood', 'hostess'].map(isReservedHeader)).toEqual(Array(4).fill(false));
});
