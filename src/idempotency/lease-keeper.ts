import type { Clock, TimerHandle } from '../ports/clock.ts';
import { sleepMs } from '../time/sleep.ts';
import { DerivedSignal } from '../time/derived-signal.ts';
import { LeaseLostError } from './idempotency-errors.ts';
import type { ClaimRequest, IdempotencyStore } from './idempotency-store.ts';

/** A claim that was won. */
export interface HeldClaim {
  readonly key: string;
  readonly token: number;
  /** `clock.monotonicMs()` before the claim was sent: the lease may have begun at any time after. */
  readonly askedAtMs: number;
}

/**
 * Keeps one lease alive while its run goes on: a renewal every third of it, as heartbeats go. When the store says that the
 * key is another's, or has not answered until the lease is over, the run's signal aborts: from then on another may run.
 */
export class LeaseKeeper {
  readonly signal: AbortSignal;
  private readonly store: IdempotencyStore;
  private readonly clock: Clock;
  private readonly claim: HeldClaim;
  private readonly times: Omit<ClaimRequest, 'fingerprint'>;
  private readonly derived: DerivedSignal;
  private timer: TimerHandle;
  private endsAtMs: number;
  private lastError: unknown;
  private stopped = false;

  constructor(
    store: IdempotencyStore,
    clock: Clock,
    claim: HeldClaim,
    times: Omit<ClaimRequest, 'fingerprint'>,
    parent: AbortSignal | undefined,
  ) {
    this.store = store;
    this.clock = clock;
    this.claim = claim;
    this.times = times;
    this.derived = new DerivedSignal([parent]);
    this.signal = this.derived.signal;
    this.endsAtMs = claim.askedAtMs + times.leaseMs;
    this.plan(times.leaseMs / 3);
  }

  private plan(delayMs: number): void {
    if (this.stopped) return;
    this.clock.clearTimer(this.timer);
    // Not later than the end of the lease: that is when a store that does not answer makes it lost.
    const leftMs = Math.max(0, this.endsAtMs - this.clock.monotonicMs());
    this.timer = this.clock.setTimer(Math.min(delayMs, leftMs), () => void this.renew());
  }

  private async renew(): Promise<void> {
    const askedAtMs = this.clock.monotonicMs();
    if (askedAtMs >= this.endsAtMs) return this.lose();
    this.plan(this.times.leaseMs / 3);
    const { key, token } = this.claim;
    let held: boolean;
    try {
      held = await this.store.renew(key, token, this.times);
    } catch (error) {
      // The store may be back before the lease is over, so it is asked again sooner.
      this.lastError = error;
      return this.plan(this.times.leaseMs / 15);
    }
    if (held) this.endsAtMs = Math.max(this.endsAtMs, askedAtMs + this.times.leaseMs);
    else this.lose();
  }

  private lose(): void {
    if (this.stopped) return;
    this.stop();
    const cause = this.lastError === undefined ? undefined : { cause: this.lastError };
    this.derived.onAbort(new LeaseLostError(this.claim.key, this.claim.token, cause));
  }

  /** Ends the renewals and lets go of the parent signal. Safe to call twice. */
  stop(): void {
    this.stopped = true;
    this.clock.clearTimer(this.timer);
    this.derived.dispose();
  }

  /**
   * Stores the result. The work is done, so a store that fails is asked again until the lease is over: giving up earlier
   * would have it done twice. `complete` may be repeated, so an answer that was lost does no harm.
   */
  async complete(result: string): Promise<void> {
    const { key, token } = this.claim;
    for (let delayMs = 10; ; delayMs *= 2) {
      try {
        if (await this.store.complete(key, token, result, this.times.ttlMs)) return;
      } catch (error) {
        if (this.clock.monotonicMs() + delayMs >= this.endsAtMs) throw error;
        await sleepMs(delayMs, this.clock, undefined);
        continue;
      }
      throw new LeaseLostError(key, token);
    }
  }
}
