import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextReader, textBytes, writeText } from './text-codec.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ maxLength: 80 }));

test('writes what the platform writes, in as many bytes as were counted', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const wanted = new TextEncoder().encode(text);
      const target = new Uint8Array(wanted.length + 8);
      expect(textBytes(text)).toBe(wanted.length);
      expect(writeText(target, 5, text)).toBe(wanted.length);
      expect(target.slice(5, 5 + wanted.length)).toEqual(wanted);
    }),
  );
});

test('lone surrogates become U+FFFD and count three bytes', () => {
  for (const text of ['\ud800', '\udc00', 'a\ud800b', '\ud800\ud800\udc00']) {
    const target = new Uint8Array(32);
    expect(writeText(target, 0, text)).toBe(textBytes(text));
    expect(new TextDecoder().decode(target.subarray(0, textBytes(text)))).toBe(text.toWellFormed());
  }
});

test('reads texts back, whether it remembers them or not, also two that fall on one place', () => {
  const reader = new TextReader();
  const texts = Array.from({ length: 5000 }, (_, index) => `order-${index % 2500}${index % 7 === 0 ? 'é' : ''}`);
  for (const text of texts) {
    const bytes = new TextEncoder().encode(`..${text}..`);
    expect(reader.read(bytes, 2, bytes.length - 2)).toBe(text);
  }
});

test('a text that begins with a byte order mark keeps it', () => {
  const bytes = new TextEncoder().encode('\ufeffid');
  expect(new TextReader().read(bytes, 0, bytes.length)).toBe('\ufeffid');
});
