import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { InProgressError, KeyReusedError, LeaseLostError } from './idempotency-errors.ts';
import type { IdempotencyEvent } from './idempotency-events.ts';
import { checkText, type IdempotencyStore } from './idempotency-store.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LocalEnds } from './local-ends.ts';
import { decodeResult, encodeResult } from './stored-result.ts';

/** Options of {@link idempotency}. */
export interface IdempotencyOptions {
  /** Where keys and results are kept; what survives a crash, and who shares it, is the store's matter. */
  readonly store: IdempotencyStore;
  /** How long a run may be silent, its process dead for example, before another takes over. Default `'15s'`. */
  readonly lease?: Duration;
  /** How long a result is replayed, counted from its completion. Default `'1d'`. */
  readonly ttl?: Duration;
  /** How long a duplicate waits for the run to end; 0 refuses it at once. Default `'30s'`. */
  readonly maxWait?: Duration;
  /** How often a waiting duplicate looks at the store; runs of this process wake it earlier. Default `'100ms'`. */
  readonly pollInterval?: Duration;
  /** The longest result that is kept, in bytes of JSON. Default 1 MiB. */
  readonly maxResultBytes?: number;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /** Is told of replays, lost leases and keys that could not be freed. Default nobody. */
  readonly observer?: Observer<IdempotencyEvent>;
}

/** Defaults of {@link idempotency}. */
export const idempotencyDefaults: Readonly<Required<Omit<IdempotencyOptions, 'store' | 'clock' | 'observer'>>> =
  Object.freeze({
    lease: '15s',
    ttl: '1d',
    maxWait: '30s',
    pollInterval: '100ms',
    maxResultBytes: 1024 * 1024,
  });

/** What a run is handed. */
export interface OnceRun {
  /** Aborts with the caller's signal, and when the lease is lost: then another may be running, so stop at once. */
  readonly signal: AbortSignal;
  /** Grows with every claim of the key. Whoever is written to can refuse a lower one than it has seen. */
  readonly token: number;
}

/** Options of {@link Idempotency.once}. */
export interface OnceOptions {
  /** The request as text to compare, a hash of its body for example. Default `''`: the key alone tells. */
  readonly fingerprint?: string;
  /** Ends the wait at once, and is passed on to the run, which is still waited for. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes work happen once a key, see {@link idempotency}. */
export interface Idempotency {
  /**
   * Runs `fn` unless the key's work is done, and keeps its result; every later caller is given that. One caller runs, the
   * others wait. A run that throws frees the key and the error is passed on untouched. If the process dies meanwhile, the
   * next caller after the lease runs it again: what `fn` does must bear that, or be in one transaction with a barrier.
   *
   * @returns the result as JSON gives it back, the same to the caller that ran and to all others.
   * @throws {KeyReusedError} when the key stands for a request with another fingerprint.
   * @throws {InProgressError} when another still runs after `maxWait`.
   * @throws {LeaseLostError} when another may have taken over meanwhile; ask again for its result.
   * @throws {ResultUnavailableError} when the work is done and its result could not be kept.
   * @throws {StoreFullError} when the store takes no new key.
   */
  once<Value>(key: string, fn: (run: OnceRun) => Value | Promise<Value>, options?: OnceOptions): Promise<Value>;
  /**
   * Marks the key, before any work and for `ttl`: `true` to exactly one caller, `false` to all others. A process that dies
   * after this has lost the work, so it fits only what may be left undone; else use {@link Idempotency.once}.
   */
  claim(key: string): Promise<boolean>;
}

class StoredIdempotency implements Idempotency {
  private readonly store: IdempotencyStore;
  private readonly clock: Clock;
  private readonly observer: Observer<IdempotencyEvent> | undefined;
  private readonly ends = new LocalEnds();
  private readonly times: { readonly leaseMs: number; readonly ttlMs: number };
  private readonly maxWaitMs: number;
  private readonly pollMs: number;
  private readonly maxResultBytes: number;

  constructor(options: IdempotencyOptions) {
    const { lease, ttl, maxWait, pollInterval, maxResultBytes } = { ...idempotencyDefaults, ...options };
    this.store = options.store;
    this.clock = options.clock ?? systemClock;
    this.observer = options.observer;
    this.times = { leaseMs: positiveMs(lease, 'lease'), ttlMs: positiveMs(ttl, 'ttl') };
    this.maxWaitMs = toMs(maxWait, 'maxWait', { allowInfinity: true });
    this.pollMs = positiveMs(pollInterval, 'pollInterval');
    if (!Number.isInteger(maxResultBytes) || maxResultBytes < 64) {
      throw new RangeError(`Expected maxResultBytes to be an integer ≥ 64, got ${maxResultBytes}`);
    }
    this.maxResultBytes = maxResultBytes;
  }

  async once<Value>(
    key: string,
    fn: (run: OnceRun) => Value | Promise<Value>,
    { fingerprint = '', signal }: OnceOptions = {},
  ): Promise<Value> {
    checkText(key, 'key');
    checkText(fingerprint, 'fingerprint');
    const waitEndsMs = this.clock.monotonicMs() + this.maxWaitMs;
    for (;;) {
      signal?.throwIfAborted();
      const askedAtMs = this.clock.monotonicMs();
      const claim = await this.store.claim(key, { fingerprint, ...this.times });
      switch (claim.kind) {
        case 'claimed':
          return (await this.run({ key, token: claim.token, askedAtMs }, fn, signal)) as Value;
        case 'done':
          notify(this.observer, { type: 'idempotency.replayed', key });
          return decodeResult(key, claim.result) as Value;
        case 'other-request':
          throw new KeyReusedError(key);
        case 'running':
          await this.waitForEnd(key, claim.leaseLeftMs, waitEndsMs, signal);
      }
    }
  }

  async claim(key: string): Promise<boolean> {
    return this.store.mark(checkText(key, 'key'), this.times.ttlMs);
  }

  private async run(
    claim: { readonly key: string; readonly token: number; readonly askedAtMs: number },
    fn: (run: OnceRun) => unknown,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const { key, token } = claim;
    const lease = new LeaseKeeper(this.store, this.clock, claim, this.times, signal);
    try {
      let result: string;
      try {
        signal?.throwIfAborted();
        result = encodeResult(await fn({ signal: lease.signal, token }), this.maxResultBytes);
      } catch (error) {
        // The renewals go first: one that came after the release would be told that the lease is lost.
        lease.stop();
        await this.release(key, token);
        throw error;
      }
      await lease.complete(result);
      return decodeResult(key, result);
    } catch (error) {
      if (error instanceof LeaseLostError) notify(this.observer, { type: 'idempotency.lease-lost', key, token });
      throw error;
    } finally {
      lease.stop();
      this.ends.tell(key);
    }
  }

  /** Without it the lease would free the key too, only later; so what goes wrong here must not hide the run's error. */
  private async release(key: string, token: number): Promise<void> {
    try {
      await this.store.release(key, token);
    } catch (error) {
      notify(this.observer, { type: 'idempotency.release-failed', key, error });
    }
  }

  private async waitForEnd(
    key: string,
    leaseLeftMs: number,
    waitEndsMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const waitLeftMs = waitEndsMs - this.clock.monotonicMs();
    if (waitLeftMs <= 0) throw new InProgressError(key, { retryAfterMs: Math.max(1, leaseLeftMs) });
    await this.ends.wait(key, Math.max(1, Math.min(this.pollMs, waitLeftMs)), this.clock, signal);
  }
}

function positiveMs(duration: Duration, name: string): number {
  const ms = toMs(duration, name);
  if (ms > 0) return ms;
  throw new RangeError(`Expected ${name} to be more than 0 ms, got ${ms}`);
}

/**
 * Makes work happen at most once to success for each key, however often it is asked for, by whom and at the same time.
 *
 * @param options.store where keys are kept: `memoryStore()`, or a durable one of an adapter.
 * @param options.lease how long a run may be silent before another takes over. Default `'15s'`.
 * @param options.ttl how long results are replayed. Default `'1d'`.
 * @throws {RangeError} when a duration is 0 or not finite, or `maxResultBytes` is below 64.
 * @example
 * const payments = idempotency({ store: memoryStore() });
 * let charges = 0;
 * await payments.once('order-1/charge', () => ({ receipt: ++charges })) // => { receipt: 1 }
 * await payments.once('order-1/charge', () => ({ receipt: ++charges })) // => { receipt: 1 }
 */
export function idempotency(options: IdempotencyOptions): Idempotency {
  return new StoredIdempotency(options);
}
