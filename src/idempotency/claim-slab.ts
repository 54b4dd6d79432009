/**
 * A set of keys in one buffer, private or shared between threads. In words of 32 bits:
 *
 *   0 seed · 1 slots · 2 bits of a position · 3 keys · 4 most keys · 5 words used
 *   6 and 7 when it was made, in ms since 1970 (a double)
 *   8 … slots: 0 is empty, else a tag of the key's hash above the position of its record
 *   records: the tick at which it expires · one byte length (255: two more bytes follow) · the key as UTF-8 · padding
 *
 * A key is added by writing its record first and then exchanging one empty slot for it: that exchange is the one moment
 * at which it is claimed, whoever races. Slots are never emptied, so all who look for a key walk the same way and meet at
 * the same slot. A tag that fits is not believed: the key itself is compared, byte for byte, before anything is refused.
 */
import { hashBytes, KeyBytes } from './key-bytes.ts';

const headerWords = 8;
const wordOf = { seed: 0, slots: 1, positionBits: 2, keys: 3, maxKeys: 4, used: 5, madeAt: 6 } as const;

// Linear probing: at 0.82 a search that finds nothing looks at 16 slots, which lie side by side in one or two cache lines.
const fullAt = 0.82;

/** Room of a slab: for so many keys, whose records take so many words together. */
export interface SlabSize {
  readonly keys: number;
  readonly words: number;
}

function slotsFor(keys: number): number {
  // At least one stays empty: it is where a search ends.
  return Math.ceil(keys / fullAt) + 1;
}

/** Words that the record of a key takes. */
export function recordWords(keyBytes: number): number {
  return (keyBytes + (keyBytes < 255 ? 5 : 7) + 3) >>> 2;
}

/** Bytes that a slab of this size needs. */
export function slabBytes({ keys, words }: SlabSize): number {
  return 4 * (headerWords + slotsFor(keys) + words);
}

/** What came of a claim: the key was free, or is held, or there is no room for another. */
export type SlabClaim = 'claimed' | 'held' | 'full';

export class ClaimSlab {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly slots: number;
  private readonly maxKeys: number;
  private readonly positionBits: number;
  private readonly positionMask: number;
  private readonly key: KeyBytes;
  /** Whether other threads may be at work on it: alone, plain words do, and take half the time of atomic ones. */
  private readonly shared: boolean;

  /** Over a buffer that {@link ClaimSlab.make} has made, here or in another thread. */
  constructor(buffer: ArrayBufferLike) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.slots = this.words[wordOf.slots] as number;
    this.maxKeys = this.words[wordOf.maxKeys] as number;
    this.positionBits = this.words[wordOf.positionBits] as number;
    this.positionMask = 2 ** this.positionBits - 1;
    this.shared = !(buffer instanceof ArrayBuffer);
    this.key = new KeyBytes(this.words[wordOf.seed] as number);
  }

  static make(buffer: ArrayBufferLike, keys: number, seed: number, madeAt: number): ClaimSlab {
    const words = new Int32Array(buffer);
    const slots = slotsFor(keys);
    words[wordOf.seed] = seed;
    words[wordOf.slots] = slots;
    words[wordOf.maxKeys] = keys;
    words[wordOf.positionBits] = 32 - Math.clz32(words.length);
    words[wordOf.used] = headerWords + slots;
    new Uint8Array(buffer).set(new Uint8Array(Float64Array.of(madeAt).buffer), wordOf.madeAt * 4);
    return new ClaimSlab(buffer);
  }

  get madeAt(): number {
    const from = wordOf.madeAt * 4;
    return new Float64Array(this.bytes.slice(from, from + 8).buffer)[0] as number;
  }

  /** Keys in it, those that have expired included. */
  get keys(): number {
    return this.load(wordOf.keys);
  }

  claim(key: string, nowTick: number, expiryTick: number): SlabClaim {
    this.key.read(key);
    return this.claimRead(nowTick, expiryTick);
  }

  private claimRead(nowTick: number, expiryTick: number): SlabClaim {
    const { slots } = this;
    let record = 0;
    for (let slot = this.firstSlot(); ; slot = slot + 1 === slots ? 0 : slot + 1) {
      let found = this.load(headerWords + slot);
      if (found === 0) {
        if (record === 0) record = this.writeRecord(expiryTick);
        if (record === 0) return 'full';
        found = this.exchange(headerWords + slot, 0, this.tag() | record);
        if (found === 0) return 'claimed';
      }
      const position = found & this.positionMask;
      if (this.tag() !== (found & ~this.positionMask) || !this.isAt(position)) continue;
      if (record !== 0) this.takeBack(record);
      return this.revive(position, nowTick, expiryTick) ? 'claimed' : 'held';
    }
  }

  /** The tick at which the key expires; 0 when it is not there. */
  expiryOf(key: string): number {
    const position = this.find(key);
    return position === 0 ? 0 : this.load(position);
  }

  /** Lets the key expire now; `false` when it had, or was never there. */
  release(key: string, nowTick: number): boolean {
    const position = this.find(key);
    return position !== 0 && Atomics.exchange(this.words, position, 0) >= nowTick;
  }

  private find(key: string): number {
    this.key.read(key);
    const { slots } = this;
    for (let slot = this.firstSlot(); ; slot = slot + 1 === slots ? 0 : slot + 1) {
      const found = this.load(headerWords + slot);
      if (found === 0) return 0;
      const position = found & this.positionMask;
      if (this.tag() === (found & ~this.positionMask) && this.isAt(position)) return position;
    }
  }

  private load(word: number): number {
    return this.shared ? Atomics.load(this.words, word) : (this.words[word] as number);
  }

  /** Puts `next` in the place of `expected`; returns what was there. */
  private exchange(word: number, expected: number, next: number): number {
    const { words } = this;
    if (this.shared) return Atomics.compareExchange(words, word, expected, next);
    const found = words[word] as number;
    if (found === expected) words[word] = next;
    return found;
  }

  /** Returns what was there before. */
  private add(word: number, count: number): number {
    const { words } = this;
    if (this.shared) return Atomics.add(words, word, count);
    const before = words[word] as number;
    words[word] = before + count;
    return before;
  }

  /** How much room the keys take that have not expired. Not while another thread claims. */
  liveSize(nowTick: number): SlabSize {
    let keys = 0;
    let words = 0;
    for (let position = headerWords + this.slots; position < this.used; position += this.sizeAt(position)) {
      if ((this.words[position] as number) < nowTick) continue;
      keys++;
      words += this.sizeAt(position);
    }
    return { keys, words };
  }

  /**
   * Takes over the keys of another slab that have not expired; there must be room, and no other thread at work. Record by
   * record as they lie there, so that memory is read in order: only the slots are visited at random.
   */
  adopt(other: ClaimSlab, nowTick: number): void {
    const { words, slots } = this;
    let to = this.used;
    let keys = 0;
    for (let from = headerWords + other.slots, size = 0; from < other.used; from += size) {
      size = other.sizeAt(from);
      if ((other.words[from] as number) < nowTick) continue;
      for (let word = 0; word < size; word++) words[to + word] = other.words[from + word] as number;
      const { start, length } = this.placeOf(to);
      this.key.hash = hashBytes(this.bytes, start, start + length, words[wordOf.seed] as number);
      let slot = this.firstSlot();
      while (words[headerWords + slot] !== 0) slot = slot + 1 === slots ? 0 : slot + 1;
      words[headerWords + slot] = this.tag() | to;
      keys++;
      to += size;
    }
    words[wordOf.used] = to;
    words[wordOf.keys] = keys;
  }

  private get used(): number {
    return this.words[wordOf.used] as number;
  }

  private sizeAt(position: number): number {
    return recordWords(this.placeOf(position).length);
  }

  private firstSlot(): number {
    // The hash as a fraction of the slots: any number of them is served evenly, not only powers of two.
    return Math.floor((this.key.hash / 2 ** 32) * this.slots);
  }

  /** The low bits of the hash, moved above a position; the high bits have chosen the slot. */
  private tag(): number {
    return this.key.hash << this.positionBits;
  }

  /** Writes the record of a new key where nobody else writes; its position, or 0 when there is no room. */
  private writeRecord(expiryTick: number): number {
    const { words, key } = this;
    if (this.add(wordOf.keys, 1) >= this.maxKeys) return this.noRoom();
    const size = recordWords(key.length);
    const position = this.add(wordOf.used, size);
    if (position + size > words.length) {
      this.add(wordOf.used, -size);
      return this.noRoom();
    }
    words[position] = expiryTick;
    let at = position * 4 + 4;
    if (key.length < 255) this.bytes[at++] = key.length;
    else {
      this.bytes[at++] = 255;
      this.bytes[at++] = key.length & 255;
      this.bytes[at++] = key.length >>> 8;
    }
    for (let index = 0; index < key.length; index++) this.bytes[at++] = key.bytes[index] as number;
    return position;
  }

  private noRoom(): number {
    this.add(wordOf.keys, -1);
    return 0;
  }

  /** Another thread was first with the same key: our record is not needed, and its room is free if it is the last. */
  private takeBack(position: number): void {
    this.exchange(wordOf.used, position + recordWords(this.key.length), position);
    this.add(wordOf.keys, -1);
  }

  private revive(position: number, nowTick: number, expiryTick: number): boolean {
    const until = this.load(position);
    return until < nowTick && this.exchange(position, until, expiryTick) === until;
  }

  private placeOf(position: number): { readonly start: number; readonly length: number } {
    const at = position * 4 + 4;
    const length = this.bytes[at] as number;
    if (length < 255) return { start: at + 1, length };
    return { start: at + 3, length: (this.bytes[at + 1] as number) | ((this.bytes[at + 2] as number) << 8) };
  }

  private isAt(position: number): boolean {
    const { bytes, key } = this;
    const { start, length } = this.placeOf(position);
    if (length !== key.length) return false;
    for (let index = 0; index < length; index++) if (bytes[start + index] !== key.bytes[index]) return false;
    return true;
  }
}
