import { otherType } from './error-type.ts';

/**
 * Lets the first `limit` different values of each attribute through and calls the rest `_OTHER`, so that names made from
 * ids or addresses cannot fill a metrics store: every value of an attribute is a time series of its own there.
 */
export class BoundedNames {
  private readonly limit: number;
  private readonly known = new Map<string, Set<string>>();

  constructor(limit: number) {
    if (!(Number.isInteger(limit) && limit >= 1)) {
      throw new RangeError(`Expected nameLimit to be an integer ≥ 1, got ${limit}`);
    }
    this.limit = limit;
  }

  /** The value to use for `name` under `attribute`. */
  of(attribute: string, name: string): string {
    let names = this.known.get(attribute);
    if (names === undefined) this.known.set(attribute, (names = new Set()));
    if (names.has(name)) return name;
    if (names.size >= this.limit) return otherType;
    names.add(name);
    return name;
  }
}
