import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type JsonValue, sameJson, toJsonValue } from './json-value.ts';

test('every value is what JSON would give back after a restart, whether copied or parsed', () => {
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 6 }),
    fc.object({ withDate: true, withNullPrototype: true, maxDepth: 4 }),
  );
  fc.assert(
    fc.property(values, (value) => {
      const text = JSON.stringify(value);
      expect(toJsonValue(value, 'input')).toEqual(JSON.parse(text));
    }),
  );
});

test('the copy is frozen to the bottom, and the original is left alone', () => {
  const original = { lines: [{ sku: 'tea' }] };
  const copy = toJsonValue(original, 'input') as typeof original;
  expect(() => copy.lines.push({ sku: 'rum' })).toThrow(TypeError);
  expect(() => {
    (copy.lines[0] as { sku: string }).sku = 'rum';
  }).toThrow(TypeError);
  original.lines.push({ sku: 'rum' });
  expect(copy.lines).toHaveLength(1);
});

test('nothing at all becomes null, a Date what it says, and an undefined property vanishes', () => {
  expect(toJsonValue(undefined, 'output')).toBeNull();
  expect(toJsonValue({ at: new Date(0), gone: undefined }, 'output')).toEqual({ at: '1970-01-01T00:00:00.000Z' });
});

test('what JSON cannot carry is refused with what it is', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  expect(() => toJsonValue({ total: 1n }, 'input of saga "order"')).toThrow(
    'Expected input of saga "order" to be JSON: ',
  );
  expect(() => toJsonValue(circle, 'input')).toThrow('Expected input to be JSON: ');
  expect(() => toJsonValue(() => 1, 'input')).toThrow('Expected input to be JSON, got a function');
});

test('a key named __proto__ is data and changes no prototype', () => {
  const value = toJsonValue(JSON.parse('{"__proto__": {"polluted": true}}'), 'input') as object;
  expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":true}}');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('two values are the same when JSON says so; the order of keys does not count', () => {
  expect(sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
  for (const [left, right] of [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [
      [1, 2],
      [2, 1],
    ],
    [[], {}],
    [null, {}],
    ['1', 1],
  ] as [JsonValue, JsonValue][]) {
    expect(sameJson(left, right)).toBe(false);
  }
});
