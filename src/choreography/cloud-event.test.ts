import { assert, json, oneof, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { type CloudEvent, decodeEvent, encodeEvent } from './cloud-event.ts';

const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: 'shop',
  type: 'order.placed',
  time: '2026-01-01T00:00:00.000Z',
  data: { text: 'é 😀 "quoted"' },
  sagaid: 'order-7',
  sequence: 1,
};

test('an event is read as it was written, with attributes that nobody knows', () => {
  const text = encodeEvent({ ...event, tenantid: 'a' } as CloudEvent);
  expect(decodeEvent(text)).toEqual({ ...event, tenantid: 'a', datacontenttype: 'application/json' });
});

test('attribute names are what CloudEvents allows: lower-case letters and digits', () => {
  const full = {
    ...event,
    retry: { attempts: 1, backoffms: 1, code: 'E', message: 'm' },
    hops: 1,
    heldsince: event.time,
  };
  expect(Object.keys(JSON.parse(encodeEvent(full)) as object).filter((name) => !/^[a-z0-9]{1,20}$/.test(name))).toEqual(
    [],
  );
});

test.each([
  ['no JSON', 'Unexpected token'],
  ['[]', 'it is no object'],
  [JSON.stringify({ ...event, specversion: '0.3' }), 'specversion is "0.3", not "1.0"'],
  [JSON.stringify({ ...event, sagaid: undefined }), 'sagaid is missing, not a text'],
  [JSON.stringify({ ...event, sequence: 0 }), 'sequence is 0, not an integer ≥ 1'],
  [JSON.stringify({ ...event, hops: -1 }), 'hops is -1, not an integer ≥ 0'],
  [JSON.stringify({ ...event, target: 5 }), 'target is 5, not a text'],
  [JSON.stringify({ ...event, data: undefined }), 'it has no data'],
  [JSON.stringify({ ...event, expirytime: 'tomorrow' }), 'expirytime is "tomorrow", not a time'],
])('%s is refused: %s', (text, why) => {
  expect(() => decodeEvent(text)).toThrow(why);
});

test('whatever is read, it is an event or a MalformedEventError, and nothing else is thrown', () => {
  assert(
    property(oneof(string(), json()), (text) => {
      try {
        decodeEvent(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'MAKEGOOD_EVENT_MALFORMED' });
      }
    }),
  );
});
