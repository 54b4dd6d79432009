import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type ClaimTable, claimTable } from './claim-table.ts';
import { StoreFullError } from './idempotency-errors.ts';
import type { Claim, ClaimRequest, IdempotencyStore } from './idempotency-store.ts';

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Keys that may be held at a time; a further one is refused. Default 1,000,000. */
  readonly maxKeys?: number;
  /** Bytes of keys and results, roughly, above which new keys are refused. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Default the system's clock. */
  readonly clock?: Clock;
}

/** Defaults of {@link memoryStore}. */
export const memoryStoreDefaults: Readonly<{ maxKeys: number; maxBytes: number }> = Object.freeze({
  maxKeys: 1_000_000,
  maxBytes: 256 * 1024 * 1024,
});

interface Entry {
  readonly fingerprint: string;
  readonly token: number;
  leaseEndsMs: number;
  expiresMs: number;
  result: string | undefined;
}

// A map's slot, an object of five fields and the strings' headers, as measured on Node 24; texts count two bytes a unit.
const entryBytes = 160;

function bytesOf(key: string, { fingerprint, result }: Entry): number {
  return entryBytes + 2 * (key.length + fingerprint.length + (result?.length ?? 0));
}

/* oxlint-disable typescript/require-await -- nothing here waits; `async` only turns a refusal into a rejection */
class MemoryStore implements IdempotencyStore {
  private readonly clock: Clock;
  private readonly maxKeys: number;
  private readonly maxBytes: number;
  // In order of their last change, so that with one ttl those that expire first stand first.
  private readonly entries = new Map<string, Entry>();
  private readonly marks: ClaimTable;
  private lastToken = 0;
  private bytes = 0;

  constructor(options: MemoryStoreOptions) {
    const { maxKeys, maxBytes } = { ...memoryStoreDefaults, ...options };
    this.clock = options.clock ?? systemClock;
    this.maxKeys = checkCount(maxKeys, 'maxKeys');
    this.maxBytes = checkCount(maxBytes, 'maxBytes');
    this.marks = claimTable({ maxKeys, maxBytes, clock: this.clock });
  }

  async claim(key: string, { fingerprint, leaseMs, ttlMs }: ClaimRequest): Promise<Claim> {
    const nowMs = this.clock.monotonicMs();
    const markedForMs = this.marks.size === 0 ? 0 : this.marks.heldForMs(key);
    if (markedForMs > 0) return { kind: 'running', leaseLeftMs: markedForMs };
    const entry = this.live(key, nowMs);
    if (entry !== undefined) {
      if (entry.fingerprint !== fingerprint) return { kind: 'other-request' };
      if (entry.result !== undefined) return { kind: 'done', result: entry.result };
      if (entry.leaseEndsMs > nowMs) return { kind: 'running', leaseLeftMs: entry.leaseEndsMs - nowMs };
      this.forget(key, entry);
    }
    this.makeRoom(nowMs);
    const token = ++this.lastToken;
    this.keep(key, {
      fingerprint,
      token,
      leaseEndsMs: nowMs + leaseMs,
      expiresMs: nowMs + Math.max(ttlMs, leaseMs),
      result: undefined,
    });
    return { kind: 'claimed', token };
  }

  async renew(key: string, token: number, { leaseMs, ttlMs }: Omit<ClaimRequest, 'fingerprint'>): Promise<boolean> {
    const nowMs = this.clock.monotonicMs();
    const entry = this.live(key, nowMs);
    if (entry?.token !== token || entry.result !== undefined) return false;
    entry.leaseEndsMs = nowMs + leaseMs;
    entry.expiresMs = nowMs + Math.max(ttlMs, leaseMs);
    return true;
  }

  async complete(key: string, token: number, result: string, ttlMs: number): Promise<boolean> {
    const nowMs = this.clock.monotonicMs();
    const entry = this.live(key, nowMs);
    if (entry?.token !== token) return false;
    if (entry.result !== undefined) return true;
    // Taken also when the store is full: to refuse it would have the work done twice.
    this.forget(key, entry);
    this.keep(key, { ...entry, result, expiresMs: nowMs + ttlMs });
    return true;
  }

  async release(key: string, token: number): Promise<void> {
    const entry = this.entries.get(key);
    if (entry?.token === token && entry.result === undefined) this.forget(key, entry);
  }

  mark(key: string, ttlMs: number): boolean {
    if (this.entries.size > 0 && this.live(key, this.clock.monotonicMs()) !== undefined) return false;
    return this.marks.claim(key, ttlMs);
  }

  private live(key: string, nowMs: number): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.expiresMs > nowMs) return entry;
    this.forget(key, entry);
    return undefined;
  }

  private keep(key: string, entry: Entry): void {
    this.entries.set(key, entry);
    this.bytes += bytesOf(key, entry);
  }

  private forget(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.bytes -= bytesOf(key, entry);
  }

  /** Clears a few expired keys away at each claim, so that it never takes long, and all of them before it refuses. */
  private makeRoom(nowMs: number): void {
    const isFull = this.entries.size >= this.maxKeys || this.bytes >= this.maxBytes;
    let patience = isFull ? Infinity : 2;
    for (const [key, entry] of this.entries) {
      if (entry.expiresMs <= nowMs) this.forget(key, entry);
      if (--patience <= 0) break;
    }
    if (this.entries.size >= this.maxKeys) throw new StoreFullError(`${this.entries.size} keys have not expired`);
    if (this.bytes >= this.maxBytes) throw new StoreFullError(`unexpired keys and results fill ${this.bytes} bytes`);
  }
}

function checkCount(value: number, name: string): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ 1, got ${value}`);
}

/**
 * Keys and results in memory: for one process, and gone with it. It forgets nothing before it expires: a store that is full
 * refuses new keys. Bare claims (`mark`) are kept in a compact table.
 *
 * @param options.maxKeys keys that may be held at a time. Default 1,000,000.
 * @param options.maxBytes roughly what keys and results may take. Default 256 MiB.
 * @throws {RangeError} when a bound is not an integer ≥ 1.
 * @example
 * const store = memoryStore();
 * store.mark('order-1', 60_000) // => true
 * (await store.claim('order-1', { fingerprint: '', leaseMs: 1000, ttlMs: 60_000 })).kind // => 'running'
 */
export function memoryStore(options: MemoryStoreOptions = {}): IdempotencyStore {
  return new MemoryStore(options);
}
