const encoder = new TextEncoder();
const longestKey = 512;

/** A key as UTF-8, written into one buffer that is used again and again; valid until the next one is read. */
export class KeyBytes {
  readonly bytes: Uint8Array = new Uint8Array(longestKey * 3);
  length = 0;
  hash = 0;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  read(key: string): void {
    const { length } = key;
    if (length === 0 || length > longestKey) {
      throw new RangeError(`Expected key to have 1 to ${longestKey} characters, got ${length}`);
    }
    const { bytes } = this;
    let hash = this.seed;
    let index = 0;
    for (; index < length; index++) {
      const code = key.charCodeAt(index);
      if (code > 127) break;
      bytes[index] = code;
      hash = mixed(hash, code);
    }
    if (index < length) {
      // Two halves of a pair become the same U+FFFD, and two keys one.
      if (!key.isWellFormed()) throw new TypeError(`Expected key to be well-formed text, got ${JSON.stringify(key)}`);
      index = encoder.encodeInto(key, bytes).written;
      hash = this.seed;
      for (let at = 0; at < index; at++) hash = mixed(hash, bytes[at] as number);
    }
    this.length = index;
    this.hash = finished(hash);
  }
}

function mixed(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x5bd1e995) ^ (hash >>> 15);
}

// The finaliser of MurmurHash3 (Appleby, public domain): every bit of the input reaches every bit of the hash.
function finished(sum: number): number {
  let hash = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A hash of the bytes from `start` to `end`; the seed is drawn for each table, so that nobody can prepare collisions. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = mixed(hash, bytes[at] as number);
  return finished(hash);
}
