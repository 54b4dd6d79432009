/**
 * One thing per origin, made when it is first asked for. Bounded: of more than `limit` origins the one that was not asked
 * for the longest is forgotten, and what was known about it begins anew when it comes back.
 */
export class OriginMap<Value> {
  private readonly values = new Map<string, Value>();
  private readonly limit: number;
  private readonly make: (origin: string) => Value;

  constructor(limit: number, make: (origin: string) => Value) {
    this.limit = limit;
    this.make = make;
  }

  get(origin: string): Value {
    const known = this.values.get(origin);
    const value = known ?? this.make(origin);
    // A map keeps the order of insertion, so the first key is always the one unused for the longest.
    if (known !== undefined) this.values.delete(origin);
    this.values.set(origin, value);
    if (this.values.size > this.limit) this.values.delete(this.values.keys().next().value as string);
    return value;
  }

  get size(): number {
    return this.values.size;
  }
}
