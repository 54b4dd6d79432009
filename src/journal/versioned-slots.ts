/**
 * Values in numbered slots, whose versions are cheap: `snapshot` copies a list of buckets, and whoever writes into a
 * bucket that a snapshot still shows copies its 64 slots first. Without a snapshot a write pays one comparison; a snapshot
 * needs no closing, it is gone when nobody holds it.
 */
const bucketSlots = 64;

interface Bucket<Value> {
  /** Which version made it; a bucket of an earlier one may be shown by a snapshot. */
  readonly version: number;
  readonly values: (Value | undefined)[];
}

export class VersionedSlots<Value extends object> {
  private buckets: Bucket<Value>[] = [];
  private version = 0;
  private used = 0;
  private readonly free: number[] = [];

  /** Puts a value into a slot of its own; returns the slot. */
  add(value: Value): number {
    const slot = this.free.pop() ?? this.used++;
    this.set(slot, value);
    return slot;
  }

  set(slot: number, value: Value): void {
    this.bucketToChange(slot).values[slot % bucketSlots] = value;
  }

  /** Empties a slot, which is given out again later. */
  remove(slot: number): void {
    this.bucketToChange(slot).values[slot % bucketSlots] = undefined;
    this.free.push(slot);
  }

  /** All values as they are now, in no order, whatever is changed later. */
  snapshot(): Iterable<Value> {
    this.version++;
    return valuesOf(this.buckets.slice());
  }

  private bucketToChange(slot: number): Bucket<Value> {
    const index = Math.floor(slot / bucketSlots);
    const bucket = this.buckets[index];
    if (bucket?.version === this.version) return bucket;
    const own = { version: this.version, values: bucket?.values.slice() ?? [] };
    this.buckets[index] = own;
    return own;
  }
}

function* valuesOf<Value>(buckets: readonly Bucket<Value>[]): Generator<Value> {
  for (const { values } of buckets) for (const value of values) if (value !== undefined) yield value;
}
