import { expect, test } from 'vitest';
import { seededRandom } from '../ports/random.ts';
import { systemCrc32 } from '../ports/system-crc32.ts';
import { crc32OfPair, crc32OfWords } from './crc32.ts';

test('agrees with the check value of CRC-32 and with zlib on every length', () => {
  const random = seededRandom(1);
  const bytes = Uint8Array.from({ length: 512 }, () => Math.floor(random() * 256));
  const words = new Int32Array(bytes.buffer);
  for (let length = 0; length <= 512; length += 8)
    expect(crc32OfWords(words, 0, length / 4)).toBe(systemCrc32(bytes.subarray(0, length)));
  expect(systemCrc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});

test('goes on where another sum ended', () => {
  const words = Int32Array.from([1, -2, 3, -4, 5, -6]);
  expect(crc32OfWords(words, 2, 6, crc32OfPair(1, -2))).toBe(crc32OfWords(words, 0, 6));
});
