/**
 * CRC-32 (ISO-HDLC: polynomial 0x04C11DB7 reflected, start and final inversion) of 8-byte-aligned words, eight bytes a
 * step. For the short stretches of headers and records, where a call into zlib costs more than the sum itself.
 *
 * @see Kounavis, Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", IEEE ToC, 2008
 *   ("slicing-by-8").
 */

const reflectedPolynomial = 0xedb88320;

// Table k holds, for each byte, its remainder when k zero bytes follow it.
function makeTables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? reflectedPolynomial : 0);
    first[byte] = remainder;
  }
  const tables = [first];
  for (let zeros = 1; zeros < 8; zeros++) {
    const previous = tables[zeros - 1] as Int32Array;
    tables.push(previous.map((remainder) => (first[remainder & 255] as number) ^ (remainder >>> 8)));
  }
  return tables;
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = makeTables() as unknown as readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/**
 * The checksum of the words from `start` up to `end`, an even number of them.
 *
 * @param words the bytes as little-endian words.
 * @param start index of the first word.
 * @param end index behind the last word.
 * @param seed the checksum of what came before, to go on with. Default 0.
 * @returns an unsigned 32-bit number.
 * @internal
 */
export function crc32OfWords(words: Int32Array, start: number, end: number, seed: number = 0): number {
  let crc = ~seed;
  for (let index = start; index < end; index += 2) {
    crc = step(crc, words[index] as number, words[index + 1] as number);
  }
  return ~crc >>> 0;
}

/**
 * The checksum of two words, as {@link crc32OfWords} would give it.
 *
 * @internal
 */
export function crc32OfPair(low: number, high: number): number {
  return ~step(-1, low, high) >>> 0;
}

function step(crc: number, firstWord: number, high: number): number {
  const low = firstWord ^ crc;
  return (
    (t7[low & 255] as number) ^
    (t6[(low >>> 8) & 255] as number) ^
    (t5[(low >>> 16) & 255] as number) ^
    (t4[low >>> 24] as number) ^
    (t3[high & 255] as number) ^
    (t2[(high >>> 8) & 255] as number) ^
    (t1[(high >>> 16) & 255] as number) ^
    (t0[high >>> 24] as number)
  );
}
