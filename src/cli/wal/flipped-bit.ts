/**
 * Finding the one bit that a checksum misses. The CRC of two texts that differ in one bit differs by a number that
 * depends on the bit's distance from the end alone, and the polynomial is primitive: within 2^32 - 1 bits no two
 * distances give the same number. So the bit is found in one pass, and it is the only candidate.
 *
 * @see Koopman, "32-Bit Cyclic Redundancy Codes for Internet Applications", DSN 2002 (the order of the polynomial).
 */
import { systemCrc32 } from '../../ports/system-crc32.ts';

// Beyond this a search takes seconds, and a batch is as long only when an append was.
const longestSearch = 64 * 1024 * 1024;

/** A bit of some bytes: bit 0 is the lowest of its byte. */
export interface BitPlace {
  readonly offset: number;
  readonly bit: number;
}

function remainderOfByte(byte: number): number {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  return remainder;
}

/**
 * The only bit whose flip makes the bytes' checksum the given one, or `undefined` when none does.
 *
 * @param bytes as they are; not changed.
 * @param wanted the CRC-32 they should have.
 * @example
 * findFlippedBit(new TextEncoder().encode('123456788'), 0xcbf43926) // => { offset: 8, bit: 0 }
 */
export function findFlippedBit(bytes: Uint8Array, wanted: number): BitPlace | undefined {
  if (bytes.length > longestSearch) return undefined;
  const table = Int32Array.from({ length: 256 }, (_, byte) => remainderOfByte(byte));
  const difference = (systemCrc32(bytes) ^ wanted) | 0;
  // For each bit of a byte, what its flip would make of the sum when so many bytes follow it.
  const effects = Int32Array.from({ length: 8 }, (_, bit) => table[1 << bit] as number);
  for (let offset = bytes.length - 1; offset >= 0; offset--) {
    for (let bit = 0; bit < 8; bit++) {
      const effect = effects[bit] as number;
      if (effect === difference) return { offset, bit };
      effects[bit] = (table[effect & 255] as number) ^ (effect >>> 8);
    }
  }
  return undefined;
}
