import type { Clock } from '../ports/clock.ts';
import { cryptoRandom, type Random } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { ClaimSlab, recordWords, slabBytes } from './claim-slab.ts';
import { StoreFullError } from './idempotency-errors.ts';

/** A set of keys, each of which is claimed once until it expires. Exact: no two keys are ever taken for one another. */
export interface ClaimTable {
  /**
   * Takes the key: `true` to exactly one of all who ask before it expires, in whatever thread.
   *
   * @param ttlMs how long, in milliseconds. Default: the table's.
   * @throws {RangeError} when the key is not 1 to 512 characters.
   * @throws {StoreFullError} when the table is full of keys that have not expired; none is forgotten for a new one.
   */
  claim(key: string, ttlMs?: number): boolean;
  /** How much longer the key is held, in milliseconds; 0 when it is free, `Infinity` when for ever. */
  heldForMs(key: string): number;
  /** Frees a key that its claimer does not want to keep; `false` when it was free. */
  release(key: string): boolean;
  /** Keys in it, including those that have expired and were not cleared away yet. */
  readonly size: number;
  /** Bytes of its buffer, the keys included. */
  readonly bytes: number;
}

/** A {@link ClaimTable} whose memory can be handed to worker threads. */
export interface SharedClaimTable extends ClaimTable {
  /** Post it to another thread and give it to `sharedClaimTable` there. */
  readonly buffer: SharedArrayBuffer;
}

/** Options of {@link claimTable}. */
export interface ClaimTableOptions {
  /** How long a claim holds; `Infinity` is allowed. Default `'1d'`. */
  readonly ttl?: Duration;
  /** Room for so many keys from the beginning; growing costs as much again as claiming. Default 256. */
  readonly expectedKeys?: number;
  /** Keys that may be held at a time; a further one is refused. Default 10,000,000. */
  readonly maxKeys?: number;
  /** Bytes the table may grow to. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /** Seeds the hash, so that nobody can prepare colliding keys. Default `cryptoRandom`. */
  readonly random?: Random;
}

/** Options of {@link sharedClaimTable}. */
export interface SharedClaimTableOptions extends Omit<ClaimTableOptions, 'maxBytes' | 'expectedKeys'> {
  /** The buffer of a table made in another thread. Default: a new one. */
  readonly buffer?: SharedArrayBuffer;
  /** Room for keys of so many bytes on average. Default 32. */
  readonly averageKeyBytes?: number;
}

/** Defaults of {@link claimTable} and {@link sharedClaimTable}. */
export const claimTableDefaults: Readonly<{
  ttl: Duration;
  expectedKeys: number;
  maxKeys: number;
  maxBytes: number;
  averageKeyBytes: number;
}> = Object.freeze({ ttl: '1d', expectedKeys: 256, maxKeys: 10_000_000, maxBytes: 2 ** 30, averageKeyBytes: 32 });

// Expiry is kept in ticks, so that 31 bits reach 6.8 years. Rounded up: never forgotten too early.
const tickMs = 100;
const forEver = 2 ** 31 - 1;

/** What both tables have in common: ticks, and a slab that may be exchanged for a larger one. */
abstract class TickedTable implements ClaimTable {
  protected slab: ClaimSlab;
  protected readonly clock: Clock;
  private readonly ttlMs: number;
  private looks = 0;
  private lastTick = 0;

  constructor(slab: ClaimSlab, clock: Clock, ttl: Duration) {
    this.slab = slab;
    this.clock = clock;
    this.ttlMs = toMs(ttl, 'ttl', { allowInfinity: true });
    if (this.ttlMs === 0) throw new RangeError('Expected ttl to be more than 0 ms, got 0');
  }

  protected abstract elapsedMs(): number;
  protected abstract grow(nowTick: number): void;
  abstract readonly bytes: number;

  get size(): number {
    return this.slab.keys;
  }

  claim(key: string, ttlMs: number = this.ttlMs): boolean {
    const nowTick = this.tick();
    const expiryTick = Math.min(nowTick + Math.ceil(ttlMs / tickMs), forEver);
    let claimed = this.slab.claim(key, nowTick, expiryTick);
    while (claimed === 'full') {
      this.grow(nowTick);
      claimed = this.slab.claim(key, nowTick, expiryTick);
    }
    return claimed === 'claimed';
  }

  heldForMs(key: string): number {
    const until = this.slab.expiryOf(key);
    if (until === forEver) return Infinity;
    return until < this.tick() ? 0 : (until + 1) * tickMs - this.elapsedMs();
  }

  release(key: string): boolean {
    return this.slab.release(key, this.tick());
  }

  /**
   * From 1, because 0 is the tick at which what was released has expired. Time stands still within a turn of the event
   * loop, but for every 64th look: reading a clock costs more than a claim.
   */
  private tick(): number {
    if (this.looks++ % 64 === 0) {
      if (this.looks === 1) this.clock.soon(() => (this.looks = 0));
      this.lastTick = Math.floor(this.elapsedMs() / tickMs) + 1;
    }
    return this.lastTick;
  }
}

// Room for one key of the greatest length beside ordinary ones, so that growing always helps.
const spareWords = 1024;

// A key of up to 15 bytes, such as "order-7/charge"; longer ones make the table grow earlier.
const wordsAKey = 5;

class GrowingClaimTable extends TickedTable {
  private readonly madeAtMs: number;
  private readonly maxKeys: number;
  private readonly maxBytes: number;
  private readonly random: Random;
  private buffer: ArrayBuffer;

  constructor(options: ClaimTableOptions) {
    const { ttl, expectedKeys, maxKeys, maxBytes } = { ...claimTableDefaults, ...options };
    const { random = cryptoRandom, clock = systemClock } = options;
    const keys = Math.min(checkCount(maxKeys, 'maxKeys'), checkCount(expectedKeys, 'expectedKeys'));
    const size = { keys, words: spareWords + wordsAKey * keys };
    const buffer = new ArrayBuffer(slabBytes(size));
    super(ClaimSlab.make(buffer, size.keys, seedOf(random), 0), clock, ttl);
    this.buffer = buffer;
    this.maxKeys = maxKeys;
    this.maxBytes = checkCount(maxBytes, 'maxBytes');
    this.random = random;
    this.madeAtMs = clock.monotonicMs();
  }

  get bytes(): number {
    return this.buffer.byteLength;
  }

  protected elapsedMs(): number {
    return this.clock.monotonicMs() - this.madeAtMs;
  }

  /** Moves the live keys into a slab half as large again as they need; those that have expired stay behind. */
  protected grow(nowTick: number): void {
    const { keys, words } = this.slab.liveSize(nowTick);
    if (keys >= this.maxKeys) throw new StoreFullError(`the table holds ${keys} keys that have not expired`);
    const size = {
      keys: Math.min(this.maxKeys, Math.max(claimTableDefaults.expectedKeys, Math.ceil(keys * 1.5))),
      words: spareWords + Math.ceil(words * 1.5),
    };
    const length = slabBytes(size);
    if (length > this.maxBytes) throw new StoreFullError(`the table would grow to ${length} bytes for ${keys} keys`);
    const buffer = new ArrayBuffer(length);
    const slab = ClaimSlab.make(buffer, size.keys, seedOf(this.random), 0);
    slab.adopt(this.slab, nowTick);
    this.buffer = buffer;
    this.slab = slab;
  }
}

class FixedClaimTable extends TickedTable implements SharedClaimTable {
  readonly buffer: SharedArrayBuffer;
  private readonly madeAt: number;

  constructor(options: SharedClaimTableOptions) {
    const { ttl, maxKeys, averageKeyBytes } = { ...claimTableDefaults, ...options };
    const { random = cryptoRandom, clock = systemClock } = options;
    const keyWords = recordWords(checkCount(averageKeyBytes, 'averageKeyBytes'));
    const size = { keys: checkCount(maxKeys, 'maxKeys'), words: keyWords * maxKeys };
    const buffer = options.buffer ?? new SharedArrayBuffer(slabBytes(size));
    const slab =
      options.buffer === undefined
        ? ClaimSlab.make(buffer, size.keys, seedOf(random), clock.now())
        : new ClaimSlab(buffer);
    super(slab, clock, ttl);
    this.buffer = buffer;
    this.madeAt = slab.madeAt;
  }

  get bytes(): number {
    return this.buffer.byteLength;
  }

  // The monotonic clocks of two threads have different origins; what they share is the wall clock.
  protected elapsedMs(): number {
    return Math.max(0, this.clock.now() - this.madeAt);
  }

  protected grow(): never {
    throw new StoreFullError(`the shared table is full with ${this.size} keys in ${this.bytes} bytes`);
  }
}

function checkCount(value: number, name: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= 2 ** 31) return value;
  throw new RangeError(`Expected ${name} to be an integer from 1 to 2147483648, got ${value}`);
}

function seedOf(random: Random): number {
  return Math.floor(random() * 2 ** 32) | 0;
}

/**
 * Makes a table of claimed keys that grows with them: some 10 bytes a key beside the key itself. Synchronous, in this
 * process only, and gone with it.
 *
 * @param options.ttl how long a claim holds. Default `'1d'`.
 * @param options.maxKeys keys that may be held at a time. Default 10,000,000.
 * @throws {RangeError} when a bound or the ttl is out of range.
 * @example
 * const claims = claimTable();
 * claims.claim('order-1/charge') // => true
 * claims.claim('order-1/charge') // => false
 */
export function claimTable(options: ClaimTableOptions = {}): ClaimTable {
  return new GrowingClaimTable(options);
}

/**
 * Makes a table of claimed keys in shared memory, or joins one: worker threads that ask at the same time agree, by
 * compare-and-set, on the one that claims. It cannot grow. Expiry is told on the wall clock, the one that threads share.
 *
 * @param options.buffer the buffer of the table to join, which keeps its size. Default: a new one.
 * @param options.maxKeys room for so many keys. Default 10,000,000, which takes some 480 MB: say what you need.
 * @throws {RangeError} when a bound or the ttl is out of range.
 * @example
 * const here = sharedClaimTable({ maxKeys: 1000 });
 * const there = sharedClaimTable({ buffer: here.buffer }); // in a worker
 * [here.claim('order-1'), there.claim('order-1')] // => [true, false]
 */
export function sharedClaimTable(options: SharedClaimTableOptions = {}): SharedClaimTable {
  return new FixedClaimTable(options);
}
