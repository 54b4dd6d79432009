/**
 * Hashes of ids, each with a number from 1 on: 12 bytes an entry at a load of at most 70 %, so 17 to 34 bytes an id.
 * Open addressing with linear probing; nothing is taken out. A hit is a hint, since two ids may share a hash.
 */
import type { IdHash } from './id-hash.ts';

const wordsAnEntry = 3;
const smallest = 1024;

export class FingerprintTable {
  private words: Uint32Array = new Uint32Array(smallest * wordsAnEntry);
  private slots = smallest;
  private used = 0;

  add(hash: IdHash, number: number): void {
    if (this.used >= this.slots * 0.7) this.grow();
    this.used++;
    this.put(hash.low, hash.high, number);
  }

  /** The numbers under a hash. */
  numbersOf(hash: IdHash): number[] {
    const numbers: number[] = [];
    for (let at = this.firstOf(hash.low); this.words[at + 2] !== 0; at = this.next(at)) {
      if (this.words[at] === hash.low && this.words[at + 1] === hash.high) numbers.push(this.words[at + 2] as number);
    }
    return numbers;
  }

  private firstOf(low: number): number {
    return (low % this.slots) * wordsAnEntry;
  }

  private next(at: number): number {
    return at + wordsAnEntry === this.words.length ? 0 : at + wordsAnEntry;
  }

  private put(low: number, high: number, number: number): void {
    let at = this.firstOf(low);
    while (this.words[at + 2] !== 0) at = this.next(at);
    this.words[at] = low;
    this.words[at + 1] = high;
    this.words[at + 2] = number;
  }

  private grow(): void {
    const old = this.words;
    this.slots *= 2;
    this.words = new Uint32Array(this.slots * wordsAnEntry);
    for (let at = 0; at < old.length; at += wordsAnEntry) {
      const number = old[at + 2] as number;
      if (number !== 0) this.put(old[at] as number, old[at + 1] as number, number);
    }
  }
}
