/**
 * CRC-32 (ISO-HDLC: polynomial 0x04C11DB7 reflected, start and final inversion) of 8-byte-aligned words, sixteen bytes a
 * step: each step waits for the last one, so half as many take two thirds of the time. For the short stretches of headers
 * and records, where a call into zlib costs more than the sum itself.
 *
 * @see Kounavis, Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", IEEE ToC, 2008
 *   ("slicing-by-8"; this is the same with sixteen tables).
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
  for (let zeros = 1; zeros < 16; zeros++) {
    const previous = tables[zeros - 1] as Int32Array;
    tables.push(previous.map((remainder) => (first[remainder & 255] as number) ^ (remainder >>> 8)));
  }
  return tables;
}

const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15] = makeTables() as unknown as readonly [
  ...(readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]),
  ...(readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]),
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
  let index = start;
  for (; index + 4 <= end; index += 4) {
    const first = (words[index] as number) ^ crc;
    crc = fartherPair(first, words[index + 1] as number) ^ pair(words[index + 2] as number, words[index + 3] as number);
  }
  if (index < end) crc = pair((words[index] as number) ^ crc, words[index + 1] as number);
  return ~crc >>> 0;
}

/**
 * The checksum of two words, as {@link crc32OfWords} would give it.
 *
 * @internal
 */
export function crc32OfPair(low: number, high: number): number {
  return ~pair(low ^ -1, high) >>> 0;
}

// Remainder of two words that end what is summed up.
function pair(low: number, high: number): number {
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

// The same of two words with eight more bytes behind them.
function fartherPair(low: number, high: number): number {
  return (
    (t15[low & 255] as number) ^
    (t14[(low >>> 8) & 255] as number) ^
    (t13[(low >>> 16) & 255] as number) ^
    (t12[low >>> 24] as number) ^
    (t11[high & 255] as number) ^
    (t10[(high >>> 8) & 255] as number) ^
    (t9[(high >>> 16) & 255] as number) ^
    (t8[high >>> 24] as number)
  );
}
