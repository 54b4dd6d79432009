/** A hash of 64 bits, as two words. */
export interface IdHash {
  readonly low: number;
  readonly high: number;
}

function mix(word: number): number {
  // The finalizer of MurmurHash3 (Appleby, 2011): every bit of the input changes half of those of the output.
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Spreads ids evenly over 64 bits. Two ids may share a hash, so whoever finds one compares the id as well. */
export function hashOf(id: string): IdHash {
  let low = 0x811c9dc5;
  let high = id.length;
  for (let index = 0; index < id.length; index++) {
    const unit = id.charCodeAt(index);
    // FNV-1a (Fowler, Noll, Vo) in one word, and a sum with another odd multiplier in the other.
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high + unit, 0x9e3779b1) ^ (high >>> 15);
  }
  return { low: mix(low), high: mix(high ^ low) };
}
