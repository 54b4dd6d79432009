/**
 * A rolling 64-bit hash of all that happened in a run: two runs of one seed that differ anywhere differ here.
 *
 * @see Fowler, Noll, Vo, "FNV hash", 1991: its multiply-xor step, on two lanes of 32 bits with different primes.
 */
export class TraceHash {
  private high = 0x811c9dc5;
  private low = 0x9e3779b9;

  addNumber(value: number): void {
    // Fractions of a millisecond tell runs apart too: the bits that a 32-bit view of the number would lose are added.
    this.mix(value | 0);
    this.mix((value * 65_536) | 0);
  }

  addText(text: string): void {
    for (let index = 0; index < text.length; index++) this.mix(text.charCodeAt(index));
    this.mix(text.length);
  }

  /** Sixteen hexadecimal digits. */
  get text(): string {
    return [this.high, this.low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private mix(word: number): void {
    this.high = Math.imul(this.high ^ word, 0x01000193);
    this.low = Math.imul((this.low ^ word) + (this.high >>> 15), 0x85ebca6b);
  }
}
