import { StoreFullError } from '../../idempotency/idempotency-errors.ts';
import type { WalEntry } from '../../wal/wal-record.ts';
import { type ClaimRecord, encodeClaimRecord } from './claim-record.ts';

/** A key that is running or done. */
export interface HeldKey {
  readonly key: string;
  readonly fingerprint: string;
  readonly token: number;
  leaseEndsMs: number;
  expiresMs: number;
  result: string | undefined;
  /** Set while the result is on its way to the disk: until then nobody may be told of it. */
  writing: Promise<unknown> | undefined;
}

// A map's slot, an object of seven fields and the strings' headers, as measured on Node 24; texts count two bytes a unit.
const keyBytes = 180;

function bytesOf({ key, fingerprint, result }: HeldKey): number {
  return keyBytes + 2 * (key.length + fingerprint.length + (result?.length ?? 0));
}

/** The keys that the log tells of. What is applied twice, or late, changes nothing: a checkpoint may be ahead of its place. */
export class HeldKeys {
  lastToken = 0;
  bytes = 0;
  // In order of their last change, so that with one ttl those that expire first stand first.
  private readonly keys = new Map<string, HeldKey>();

  get size(): number {
    return this.keys.size;
  }

  /** What stands at a key and has not expired. */
  live(key: string, nowMs: number): HeldKey | undefined {
    const held = this.keys.get(key);
    if (held === undefined || held.expiresMs > nowMs) return held;
    this.forget(held);
    return undefined;
  }

  /** Makes a change; the caller has seen that it is allowed, or the log says that it was. */
  apply(key: string, record: ClaimRecord): void {
    this.lastToken = Math.max(this.lastToken, record.token);
    const held = this.keys.get(key);
    if (record.type === 'head') return;
    if (record.type === 'claimed') {
      if (held !== undefined && held.token >= record.token) return;
      const { fingerprint, token, leaseEndsMs, expiresMs } = record;
      if (held !== undefined) this.forget(held);
      this.keep({ key, fingerprint, token, leaseEndsMs, expiresMs, result: undefined, writing: undefined });
      return;
    }
    if (held?.token !== record.token || held.result !== undefined) return;
    switch (record.type) {
      case 'renewed':
        held.leaseEndsMs = record.leaseEndsMs;
        held.expiresMs = record.expiresMs;
        return;
      case 'completed':
        this.forget(held);
        held.result = record.result;
        held.expiresMs = record.expiresMs;
        this.keep(held);
        return;
      case 'released':
        this.forget(held);
    }
  }

  /** Takes back what the log refused to write: a claim altogether, or a result. */
  takeBack(held: HeldKey, what: 'claim' | 'result'): void {
    if (this.keys.get(held.key) !== held) return;
    this.forget(held);
    if (what === 'claim') return;
    held.result = undefined;
    this.keep(held);
  }

  /** Forgets expired keys, looking at `patience` of them, those that changed longest ago first. */
  forgetExpired(nowMs: number, patience: number): void {
    let left = patience;
    for (const held of this.keys.values()) {
      if (held.expiresMs <= nowMs) this.forget(held);
      if (--left <= 0) return;
    }
  }

  /**
   * Clears a few expired keys away at each claim, so that it never takes long, and all of them before it refuses.
   *
   * @throws {StoreFullError} when those that have not expired leave no room.
   */
  makeRoom(nowMs: number, { maxKeys, maxBytes }: { readonly maxKeys: number; readonly maxBytes: number }): void {
    const isFull = (): boolean => this.keys.size >= maxKeys || this.bytes >= maxBytes;
    this.forgetExpired(nowMs, isFull() ? Infinity : 2);
    if (!isFull()) return;
    throw new StoreFullError(
      `${this.keys.size} keys have not expired and, with their results, fill ${this.bytes} bytes`,
    );
  }

  /** The entries of a checkpoint, made as they are asked for; a key may have changed by then, and its records follow. */
  *entries(nowMs: number): Generator<WalEntry> {
    yield encodeClaimRecord('', nowMs, { type: 'head', token: this.lastToken });
    const fixed = [...this.keys.values()];
    for (const held of fixed) {
      const { key, result } = held;
      yield encodeClaimRecord(key, nowMs, { type: 'claimed', ...held });
      if (result !== undefined) yield encodeClaimRecord(key, nowMs, { type: 'completed', ...held, result });
    }
  }

  private keep(held: HeldKey): void {
    this.keys.set(held.key, held);
    this.bytes += bytesOf(held);
  }

  private forget(held: HeldKey): void {
    this.keys.delete(held.key);
    this.bytes -= bytesOf(held);
  }
}
