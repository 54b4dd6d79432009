import { CacheContentionError } from './cache-contention-error.ts';
import type { Versioned, VersionedSource } from './versioned-source.ts';

/** Options of {@link readCache}. */
export interface ReadCacheOptions<Value> {
  /** Where values are agreed upon. */
  readonly source: VersionedSource<Value>;
  /** How many values are kept; those that were not used for longest go first. Default 10,000. */
  readonly maxEntries?: number;
  /** How often a decision is made on newer values before it is given up. Default 4. */
  readonly maxAttempts?: number;
}

/** Defaults of {@link readCache}. */
export const readCacheDefaults: Readonly<{ maxEntries: number; maxAttempts: number }> = Object.freeze({
  maxEntries: 10_000,
  maxAttempts: 4,
});

/** What a decision sees, and what it writes. */
export interface CacheView<Value> {
  /** The value as far as it is known here, or from the source; the decision is made again if it turns out to be old. */
  readonly read: (key: string) => Promise<Value | undefined>;
  /** Reads what this decision has written, too. */
  readonly write: (key: string, value: Value) => void;
}

/** How a decision may be ended. */
export interface DecideOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What the cache has done. */
export interface CacheFigures {
  /** Reads that were answered here, and those that the source was asked for. */
  readonly hits: number;
  readonly misses: number;
  /** Decisions that were made again because something they had read was old. */
  readonly repeated: number;
  readonly size: number;
}

/** Reads from here, agreement from the source. */
export interface ReadCache<Value> {
  /** Takes values in; an older version than the one that is known is left out. Resolves with how many were taken. */
  warm(
    entries: AsyncIterable<readonly [string, Versioned<Value>]> | Iterable<readonly [string, Versioned<Value>]>,
  ): Promise<number>;
  /** What is known here, or from the source: it may be old, so do not decide by it. */
  get(key: string, options?: DecideOptions): Promise<Value | undefined>;
  /**
   * Makes a decision and commits what it wrote, while every version that it read stands; otherwise it is made again on the
   * newer values. Resolves with what `make` returned when the source has committed. `make` must have no other effects.
   *
   * Rejects with what the source says, and then what was read is forgotten: whether it was committed is not known.
   *
   * @throws {CacheContentionError} when `maxAttempts` decisions were all overtaken; nothing was written.
   */
  decide<Result>(make: (view: CacheView<Value>) => Result | Promise<Result>, options?: DecideOptions): Promise<Result>;
  readonly figures: CacheFigures;
}

class VersionedCache<Value> implements ReadCache<Value> {
  private readonly source: VersionedSource<Value>;
  private readonly maxEntries: number;
  private readonly maxAttempts: number;
  // In order of their last use.
  private readonly entries = new Map<string, Versioned<Value>>();
  private hits = 0;
  private misses = 0;
  private repeated = 0;

  constructor(source: VersionedSource<Value>, maxEntries: number, maxAttempts: number) {
    this.source = source;
    this.maxEntries = maxEntries;
    this.maxAttempts = maxAttempts;
  }

  get figures(): CacheFigures {
    const { hits, misses, repeated } = this;
    return { hits, misses, repeated, size: this.entries.size };
  }

  async warm(
    entries: AsyncIterable<readonly [string, Versioned<Value>]> | Iterable<readonly [string, Versioned<Value>]>,
  ): Promise<number> {
    let taken = 0;
    for await (const [key, versioned] of entries) if (this.put(key, versioned)) taken++;
    return taken;
  }

  async get(key: string, options: DecideOptions = {}): Promise<Value | undefined> {
    return (await this.find(key, options))?.value;
  }

  async decide<Result>(
    make: (view: CacheView<Value>) => Result | Promise<Result>,
    options: DecideOptions = {},
  ): Promise<Result> {
    for (let attempt = 1; attempt <= this.maxAttempts; attempt++) {
      options.signal?.throwIfAborted();
      const reads = new Map<string, number>();
      const writes = new Map<string, Value>();
      const result = await make(this.viewOf(reads, writes, options));
      if (await this.commit(reads, writes, options)) return result;
      this.repeated++;
    }
    throw new CacheContentionError(this.maxAttempts);
  }

  private viewOf(reads: Map<string, number>, writes: Map<string, Value>, options: DecideOptions): CacheView<Value> {
    return {
      read: async (key) => {
        if (writes.has(key)) return writes.get(key);
        const versioned = await this.find(key, options);
        const version = versioned?.version ?? 0;
        const before = reads.get(key) ?? version;
        // Two readings of one key that differ: the older makes the commit fail, and the decision is made again.
        reads.set(key, Math.min(before, version));
        return versioned?.value;
      },
      write: (key, value) => void writes.set(key, value),
    };
  }

  private async commit(
    reads: ReadonlyMap<string, number>,
    writes: ReadonlyMap<string, Value>,
    options: DecideOptions,
  ): Promise<boolean> {
    let outcome: Awaited<ReturnType<VersionedSource<Value>['commit']>>;
    try {
      outcome = await this.source.commit({ reads, writes }, options);
    } catch (error) {
      for (const keys of [reads.keys(), writes.keys()]) for (const key of keys) this.entries.delete(key);
      throw error;
    }
    if (outcome.committed) {
      for (const [key, version] of outcome.versions) this.put(key, { value: writes.get(key) as Value, version });
      return true;
    }
    for (const [key, versioned] of outcome.stale) {
      // The source is right, even where a higher version was believed here: one that it has never given.
      this.entries.delete(key);
      if (versioned !== undefined) this.put(key, versioned);
    }
    return false;
  }

  private async find(key: string, options: DecideOptions): Promise<Versioned<Value> | undefined> {
    const known = this.entries.get(key);
    if (known !== undefined) {
      this.hits++;
      this.entries.delete(key);
      this.entries.set(key, known);
      return known;
    }
    this.misses++;
    const found = (await this.source.read([key], options)).get(key);
    if (found !== undefined) this.put(key, found);
    return found;
  }

  /** Answers may come late: a version never goes back. */
  private put(key: string, versioned: Versioned<Value>): boolean {
    const known = this.entries.get(key);
    if (known !== undefined && known.version >= versioned.version) return false;
    this.entries.delete(key);
    this.entries.set(key, versioned);
    if (this.entries.size > this.maxEntries) {
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    }
    return true;
  }
}

function checkCount(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ 1, got ${String(value)}`);
}

/**
 * A local cache of values that are agreed upon far away. Reads cost nothing once it is warm; a decision costs one round
 * trip, its commit, which is refused when something that it had read has changed since. So nothing is ever written on the
 * strength of an old value, however old the cache is; in a partition, decisions reject and `get` goes on.
 *
 * @param options.source where values are agreed upon: `openLoggedSource`, or your own.
 * @throws {RangeError} when an option is out of its bounds.
 * @see Kung, Robinson, "On Optimistic Methods for Concurrency Control", ACM TODS 6(2), 1981.
 * @example
 * await using source = await openLoggedSource<number>();
 * const stock = readCache({ source });
 * await stock.decide(({ write }) => write('apples', 7));
 * const left = await stock.decide(async ({ read, write }) => {
 *   const apples = (await read('apples')) ?? 0;
 *   write('apples', apples - 1);
 *   return apples - 1;
 * });
 * left // => 6
 */
export function readCache<Value>(options: ReadCacheOptions<Value>): ReadCache<Value> {
  const { source, maxEntries, maxAttempts } = { ...readCacheDefaults, ...options };
  if (typeof source?.commit !== 'function') throw new TypeError('Expected source to be a versioned source');
  return new VersionedCache(source, checkCount(maxEntries, 'maxEntries'), checkCount(maxAttempts, 'maxAttempts'));
}
