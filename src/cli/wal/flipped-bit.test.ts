import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemCrc32 } from '../../ports/system-crc32.ts';
import { findFlippedBit } from './flipped-bit.ts';

test('any one flipped bit is found, and no other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (bytes, where) => {
      const crc = systemCrc32(bytes);
      const offset = (where >>> 3) % bytes.length;
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << (where & 7));
      expect(findFlippedBit(bytes, crc)).toEqual({ offset, bit: where & 7 });
    }),
  );
});

test('two flipped bits are not taken for one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), fc.nat(), fc.nat(), (bytes, one, other) => {
      const bits = bytes.length * 8;
      fc.pre(one % bits !== other % bits);
      const crc = systemCrc32(bytes);
      for (const bit of [one % bits, other % bits]) bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(findFlippedBit(bytes, crc)).toBeUndefined();
    }),
  );
});

test('bytes that are as they should be have no flipped bit', () => {
  const bytes = new Uint8Array(64).fill(7);
  expect(findFlippedBit(bytes, systemCrc32(bytes))).toBeUndefined();
});
