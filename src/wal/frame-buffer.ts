const twoTo32 = 2 ** 32;

/** Little-endian views over the same bytes: aligned words cost a tenth of what `DataView` or `Buffer` writers do. */
export class FrameBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array;
  readonly doubles: Float64Array;

  /** @param length bytes; a multiple of 8. */
  constructor(length: number) {
    const memory = new ArrayBuffer(length);
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
  }

  /** Writes an unsigned integer below 2^53 at a byte position that is a multiple of 4. */
  setUint64(position: number, value: number): void {
    this.words[position >>> 2] = (value % twoTo32) | 0;
    this.words[(position >>> 2) + 1] = Math.floor(value / twoTo32);
  }

  /** Reads what {@link FrameBuffer.setUint64} wrote; anything above 2^53 comes out inexact and unequal to any position. */
  uint64(position: number): number {
    return this.uint32(position + 4) * twoTo32 + this.uint32(position);
  }

  uint32(position: number): number {
    return (this.words[position >>> 2] as number) >>> 0;
  }
}

/** Typed arrays have the byte order of the machine, the log has one; they agree on all but a few mainframes. */
export function assertLittleEndian(): void {
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
    throw new RangeError(
      'Expected a little-endian machine, got a big-endian one, which the write-ahead log cannot use',
    );
  }
}
