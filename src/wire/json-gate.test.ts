import { array, assert, constantFrom, json, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readJson } from './json-gate.ts';
import { ProblemError } from './problem.ts';

function refusal(text: string): string {
  try {
    readJson(text);
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.code;
    throw error;
  }
  return 'read';
}

describe('the JSON gate', () => {
  test('reads what JSON.parse reads', () => {
    assert(
      property(json({ maxDepth: 6 }), (text) => {
        const value: unknown = JSON.parse(text);
        // Keys that lead to a prototype are refused, and JSON text of chance may have them.
        if (/__proto__|constructor/.test(text)) return;
        expect(readJson(text)).toEqual(value);
      }),
    );
  });

  test('depth 64 is read, 65 is not, and a million levels are refused before they are parsed', () => {
    expect(refusal('['.repeat(64) + ']'.repeat(64))).toBe('read');
    expect(refusal('['.repeat(65) + ']'.repeat(65))).toBe('too-deep');
    expect(refusal('{"a":'.repeat(200_000))).toBe('too-deep');
    expect(refusal('['.repeat(1_000_000))).toBe('too-deep');
  });

  test.each([
    ['too-many-values', JSON.stringify(Object.fromEntries(Array.from({ length: 10_001 }, (_, key) => [key, 1])))],
    ['too-many-values', JSON.stringify(Array.from({ length: 100_002 }, () => 1))],
    ['duplicate-key', '{"a":1,"a":2}'],
    ['duplicate-key', '{"a":1,"\\u0061":2}'],
    ['duplicate-key', '[{"b":{"a":1,"a":1}}]'],
    ['reserved-name', '{"__proto__":{"polluted":true}}'],
    ['reserved-name', '{"a":[{"\\u005f_proto__":1}]}'],
    ['reserved-name', '{"constructor":{"prototype":{"polluted":true}}}'],
    ['not-finite', '{"a":[1e999]}'],
    ['not-finite', '-1e400'],
    ['lone-surrogate', '{"a":"\\ud800"}'],
    ['lone-surrogate', '{"\\udc00":1}'],
    ['unreadable-json', '{"a":1'],
    ['unreadable-json', '{"a":1}}'],
    ['unreadable-json', "{'a':1}"],
    ['unreadable-json', 'NaN'],
    ['unreadable-json', '"\\'],
  ])('%s', (code, text) => {
    expect(refusal(text)).toBe(code);
  });

  test('brackets, colons and commas inside of strings do not count', () => {
    const words = '[{:,"\\'.repeat(5000);
    expect(readJson(JSON.stringify({ words }))).toEqual({ words });
  });

  test('no text throws anything but a problem, and none reaches a prototype', () => {
    const pieces = constantFrom('{', '}', '[', ']', '"', ':', ',', '__proto__', '"a"', '\\', '1e9', 'null', '\ud800');
    assert(
      property(array(pieces, { maxLength: 30 }), (parts) => {
        refusal(parts.join(''));
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test('what it says of a body does not repeat the body', () => {
    expect(() => readJson('{"password":"hunter2",}')).toThrow(expect.not.stringContaining('hunter2'));
  });
});
