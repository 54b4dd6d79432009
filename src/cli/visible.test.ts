import { expect, test } from 'vitest';
import { visible, visibleJson } from './visible.ts';

const evil = 'a\u001B[2J\u009B31m\u007F\n\r\t\u202Eb\u2066\u200F\u2028c\uFEFF é 漢 \u{1F600}';

test('what would deceive a reader of a terminal is written out, and nothing else', () => {
  expect(visible(evil)).toBe(String.raw`a\x1b[2J\x9b31m\x7f\x0a\x0d\x09\u202eb\u2066\u200f\u2028c\ufeff é 漢 😀`);
});

test('JSON stays the same JSON', () => {
  const text = visibleJson(JSON.stringify({ [evil]: evil }));
  expect(JSON.parse(text)).toEqual({ [evil]: evil });
  expect(visible(text)).toBe(text);
});
