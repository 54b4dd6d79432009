import {
  type Claim,
  type ClaimRequest,
  checkText,
  type IdempotencyStore,
} from '../../idempotency/idempotency-store.ts';
import { notify } from '../../ports/notify.ts';
import type { Observer } from '../../ports/observer.ts';
import { systemClock } from '../../ports/system-clock.ts';
import { OwnerCheckpoints } from '../../wal/owner-checkpoints.ts';
import type { Wal } from '../../wal/segmented-wal.ts';
import { openWal } from '../../wal/wal.ts';
import { WalClosedError } from '../../wal/wal-errors.ts';
import type { WalEvent } from '../../wal/wal-events.ts';
import type { WalOptions } from '../../wal/wal-options.ts';
import type { WalRecord } from '../../wal/wal-record.ts';
import { type ClaimRecord, decodeClaimRecord, encodeClaimRecord } from './claim-record.ts';
import { HeldKeys } from './held-keys.ts';
import { StoreTime } from './store-time.ts';
import type { WalStoreEvent } from './wal-store-events.ts';

/** Options of {@link walStore}: those of the log, and the bounds of what it may hold. */
export interface WalStoreOptions extends Omit<WalOptions, 'onRecord' | 'onCheckpoint' | 'observer'> {
  /** Is told what the log tells, and `wal-store.checkpoint-failed`. Default nobody. */
  readonly observer?: Observer<WalEvent | WalStoreEvent>;
  /** Keys that may be held at a time; a further one is refused. Default 1,000,000. */
  readonly maxKeys?: number;
  /** Bytes of keys and results in memory, roughly, above which new keys are refused. Default 256 MiB. */
  readonly maxBytes?: number;
  /** After so many bytes of log, or as many as are held if those are more, it is cut short. Default 16 MiB. */
  readonly checkpointBytes?: number;
}

/** Defaults of {@link walStore}. */
export const walStoreDefaults: Readonly<{
  maxKeys: number;
  maxBytes: number;
  checkpointBytes: number;
  segmentBytes: number;
}> = Object.freeze({
  maxKeys: 1_000_000,
  maxBytes: 256 * 1024 * 1024,
  checkpointBytes: 16 * 1024 * 1024,
  segmentBytes: 16 * 1024 * 1024,
});

/** An {@link IdempotencyStore} that holds a folder while it is open. */
export interface WalStore extends IdempotencyStore {
  mark(key: string, ttlMs: number): Promise<boolean>;
  /** Keys that are held, the expired ones among them that nobody has asked for since. */
  readonly size: number;
  /** Writes out what was begun and gives the folder back. Safe to call twice; afterwards everything is refused. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Changes are made in memory in the order in which they are appended, and answered when they are durable. What others may
 * be told earlier is only that a key is taken: of a result nobody hears before it is on the disk.
 */
class LoggedStore implements WalStore {
  private readonly path: string;
  private readonly wal: Wal;
  private readonly keys: HeldKeys;
  private readonly time: StoreTime;
  private readonly bounds: { readonly maxKeys: number; readonly maxBytes: number };
  private readonly checkpoints: OwnerCheckpoints;
  private closing: Promise<void> | undefined;

  constructor(path: string, wal: Wal, keys: HeldKeys, time: StoreTime, options: WalStoreOptions) {
    const { checkpointBytes, maxKeys, maxBytes } = { ...walStoreDefaults, ...options };
    this.path = path;
    this.wal = wal;
    this.keys = keys;
    this.time = time;
    this.bounds = { maxKeys, maxBytes };
    const { clock = systemClock, observer } = options;
    const entries = (): ReturnType<HeldKeys['entries']> => {
      const nowMs = time.now();
      keys.forgetExpired(nowMs, Infinity);
      return keys.entries(nowMs);
    };
    const onFailure = (error: unknown): void => notify(observer, { type: 'wal-store.checkpoint-failed', error });
    this.checkpoints = new OwnerCheckpoints(wal, entries, { checkpointBytes, clock, onFailure });
  }

  get size(): number {
    return this.keys.size;
  }

  async claim(key: string, { fingerprint, leaseMs, ttlMs }: ClaimRequest): Promise<Claim> {
    checkText(key, 'key');
    for (;;) {
      const nowMs = this.now();
      const held = this.keys.live(key, nowMs);
      if (held !== undefined) {
        if (held.fingerprint !== fingerprint) return { kind: 'other-request' };
        if (held.writing !== undefined) {
          // Whether it becomes durable decides between a result and a lease that may be over.
          await held.writing;
          continue;
        }
        if (held.result !== undefined) return { kind: 'done', result: held.result };
        if (held.leaseEndsMs > nowMs) return { kind: 'running', leaseLeftMs: held.leaseEndsMs - nowMs };
      }
      this.keys.makeRoom(nowMs, this.bounds);
      return this.take(key, checkText(fingerprint, 'fingerprint'), nowMs, { leaseMs, ttlMs });
    }
  }

  private async take(
    key: string,
    fingerprint: string,
    nowMs: number,
    { leaseMs, ttlMs }: Omit<ClaimRequest, 'fingerprint'>,
  ): Promise<Claim> {
    const token = this.keys.lastToken + 1;
    const [leaseEndsMs, expiresMs] = [nowMs + leaseMs, nowMs + Math.max(leaseMs, ttlMs)];
    const written = this.write(key, nowMs, { type: 'claimed', token, leaseEndsMs, expiresMs, fingerprint });
    const held = this.keys.live(key, nowMs);
    try {
      await written;
    } catch (error) {
      if (held !== undefined) this.keys.takeBack(held, 'claim');
      throw error;
    }
    return { kind: 'claimed', token };
  }

  async renew(key: string, token: number, { leaseMs, ttlMs }: Omit<ClaimRequest, 'fingerprint'>): Promise<boolean> {
    const nowMs = this.now();
    const held = this.keys.live(key, nowMs);
    if (held?.token !== token || held.result !== undefined) return false;
    const [leaseEndsMs, expiresMs] = [nowMs + leaseMs, nowMs + Math.max(leaseMs, ttlMs)];
    await this.write(key, nowMs, { type: 'renewed', token, leaseEndsMs, expiresMs });
    return true;
  }

  async complete(key: string, token: number, result: string, ttlMs: number): Promise<boolean> {
    const nowMs = this.now();
    const held = this.keys.live(key, nowMs);
    if (held?.token !== token) return false;
    if (held.result !== undefined) {
      await held.writing;
      return true;
    }
    // Taken also when the store is full: to refuse it would have the work done twice.
    held.writing = this.write(key, nowMs, { type: 'completed', token, expiresMs: nowMs + ttlMs, result });
    try {
      await held.writing;
    } catch (error) {
      this.keys.takeBack(held, 'result');
      throw error;
    } finally {
      held.writing = undefined;
    }
    return true;
  }

  async release(key: string, token: number): Promise<void> {
    const nowMs = this.now();
    const held = this.keys.live(key, nowMs);
    if (held?.token !== token || held.result !== undefined) return;
    await this.write(key, nowMs, { type: 'released', token });
  }

  async mark(key: string, ttlMs: number): Promise<boolean> {
    return (await this.claim(key, { fingerprint: '', leaseMs: ttlMs, ttlMs })).kind === 'claimed';
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private now(): number {
    if (this.closing !== undefined) throw new WalClosedError(this.path);
    return this.time.now();
  }

  private async write(key: string, nowMs: number, record: ClaimRecord): Promise<void> {
    // Both in one turn, so that the log and the memory have one order.
    this.keys.apply(key, record);
    const lsn = await this.wal.append([encodeClaimRecord(key, nowMs, record)]);
    this.checkpoints.noteAppend(lsn);
  }

  private async finish(): Promise<void> {
    await this.checkpoints.finish();
    await this.wal.close();
  }
}

function checkCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`Expected ${name} to be an integer ≥ 1, got ${value}`);
}

/**
 * Keys and results in a folder of this machine, in the write-ahead log, and in memory to be asked: for one process at a
 * time. What was answered survives a crash and a power failure: a claim is on the disk before the work runs, a result
 * before it is acknowledged. A process that dies at work leaves a lease that ends, and the next claim has a higher token.
 *
 * The log is cut short every `checkpointBytes` and at closing; expired keys are forgotten then.
 *
 * @param path the folder, made when it is not there; not that of a journal.
 * @param options those of the log (segment size, 16 MiB here, flush bounds, the ports `files`, `clock`, `observer`), and
 * `maxKeys`, `maxBytes`, `checkpointBytes`.
 * @returns the store, to be closed: `await using store = await walStore('./keys')`.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when the log is damaged; nothing is changed.
 * @throws {RecordUnreadableError} when the folder holds something else, or a newer version wrote it.
 * @throws {RangeError} when an option is out of its bounds.
 * @example
 * const { mkdtemp } = await import('node:fs/promises');
 * const path = await mkdtemp('/tmp/makegood-');
 * const before = await walStore(path);
 * const claim = await before.claim('order-1', { fingerprint: '', leaseMs: 1000, ttlMs: 60_000 });
 * await before.complete('order-1', claim.token, '{"value":7}', 60_000) // => true
 * await before.close();
 * await using after = await walStore(path);
 * await after.claim('order-1', { fingerprint: '', leaseMs: 1000, ttlMs: 60_000 }) // => { kind: 'done', result: '{"value":7}' }
 */
export async function walStore(path: string, options: WalStoreOptions = {}): Promise<WalStore> {
  const resolved = { ...walStoreDefaults, ...options };
  for (const name of ['maxKeys', 'maxBytes', 'checkpointBytes'] as const) checkCount(resolved[name], name);
  const keys = new HeldKeys();
  let lastStampMs = 0;
  const note = (entry: WalRecord): void => {
    keys.apply(entry.txId, decodeClaimRecord(entry));
    lastStampMs = Math.max(lastStampMs, entry.timestamp);
  };
  const wal = await openWal(path, { ...resolved, onCheckpoint: note, onRecord: note });
  return new LoggedStore(path, wal, keys, new StoreTime(options.clock ?? systemClock, lastStampMs), options);
}
