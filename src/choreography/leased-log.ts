/**
 * A consumer of a log that knows no groups: who has the group's lease reads on from the group's position, one process at a
 * time; the others stand by. The position is written with the lease, so a consumer that has lost it can move nothing.
 *
 *   standing by ──lease is free or has run out──► reading ──lost, or not renewed in time──► ended
 */
import type { Clock } from '../ports/clock.ts';
import { sleepMs } from '../time/sleep.ts';
import type { BrokerMessage } from './broker.ts';
import type { DeliveryLanes } from './delivery-lanes.ts';
import { OffsetPrefix } from './offset-prefix.ts';
import type { ConsumerSession } from './supervised-subscription.ts';

/**
 * The lease of one group on one log.
 *
 * An implementer keeps: of several who claim at once one succeeds; `keep` is refused to who does not hold it any more.
 */
export interface GroupLease {
  readonly ttlMs: number;
  /** @returns the position that the group has dealt with, or `undefined` while another holds the lease. */
  claim(): Promise<number | undefined>;
  /** Renews the lease and moves the position; `false` when it is another's. */
  keep(position: number): Promise<boolean>;
  /** Gives the lease back, with the position. */
  release(position: number): Promise<void>;
}

/** A log that can be read from anywhere. */
export interface MessageLog {
  /**
   * Messages behind a position, in order, as they come, until the signal aborts. `heard` is called whenever the server has
   * said something, also that there is nothing.
   */
  read(
    after: number,
    signal: AbortSignal,
    heard: () => void,
  ): AsyncIterable<{ readonly position: number; readonly message: BrokerMessage }>;
}

/** What a message of a log is settled by. */
export interface LogPlace {
  readonly settle: () => number | undefined;
}

/** What a session is made of. */
export interface LeasedLogParts {
  readonly lease: GroupLease;
  readonly log: MessageLog;
  readonly lanes: DeliveryLanes<LogPlace>;
  readonly clock: Clock;
}

/** One member of a group that reads a log under a lease. */
export class LeasedLogSession implements ConsumerSession {
  readonly ended: Promise<void>;
  private readonly parts: LeasedLogParts;
  private readonly prefix = new OffsetPrefix<number>();
  private readonly stopping = new AbortController();
  private heard: number;
  /** `undefined` while it stands by. */
  private position: number | undefined;
  private keeping: Promise<void> | undefined;
  private wantsKeep = false;
  private keptMs = 0;

  constructor(parts: LeasedLogParts) {
    this.parts = parts;
    this.heard = parts.clock.monotonicMs();
    this.ended = this.run();
    this.ended.catch(() => undefined);
  }

  heardAtMs(): number {
    // Who has no room asks for nothing, and need not be answered; the lease is kept all the same.
    const { lanes, clock } = this.parts;
    return this.position === undefined || lanes.hasRoom ? this.heard : clock.monotonicMs();
  }

  /** A message is dealt with. */
  settle({ settle }: LogPlace): void {
    const reached = settle();
    if (reached === undefined || this.position === undefined) return;
    this.position = reached;
    void this.keepSoon();
  }

  async stop({ abort }: { readonly abort: boolean }): Promise<void> {
    const { lanes, lease } = this.parts;
    // Nothing more is taken, but the lease is kept until what is in hand has ended.
    await lanes.stop({ abort });
    this.stopping.abort();
    await this.ended.catch(() => undefined);
    await this.keeping?.catch(() => undefined);
    if (this.position !== undefined && !abort) await lease.release(this.position);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const position = await this.standBy();
    if (position === undefined) return;
    this.position = position;
    const reading = new AbortController();
    const joined = AbortSignal.any([signal, reading.signal]);
    try {
      await Promise.race([this.take(position, joined), this.renew(joined)]);
    } finally {
      reading.abort();
    }
  }

  private async standBy(): Promise<number | undefined> {
    const { lease, clock } = this.parts;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const position = await lease.claim();
      this.heard = clock.monotonicMs();
      this.keptMs = this.heard;
      if (position !== undefined) return position;
      await sleepMs(lease.ttlMs / 3, clock, signal).catch(() => undefined);
    }
    return undefined;
  }

  private async take(after: number, signal: AbortSignal): Promise<void> {
    const { log, lanes, clock } = this.parts;
    const heard = (): void => void (this.heard = clock.monotonicMs());
    for await (const { position, message } of log.read(after, signal, heard)) {
      heard();
      await lanes.room();
      if (signal.aborted) return;
      const settle = this.prefix.take(position);
      lanes.offer(message, { settle }, 1);
    }
    if (!signal.aborted) throw new Error('the log has ended');
  }

  /** Keeps the lease, also when nothing is settled; gives up before another may have it. */
  private async renew(signal: AbortSignal): Promise<void> {
    const { lease, clock } = this.parts;
    while (!signal.aborted) {
      await sleepMs(lease.ttlMs / 3, clock, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.keepSoon();
      if (clock.monotonicMs() - this.keptMs >= lease.ttlMs) throw new Error('the lease of the group has run out');
    }
  }

  /** One write in flight; what is settled meanwhile goes with the next. */
  private keepSoon(): Promise<void> {
    this.wantsKeep = true;
    this.keeping ??= this.keep().finally(() => (this.keeping = undefined));
    return this.keeping;
  }

  private async keep(): Promise<void> {
    const { lease, clock } = this.parts;
    while (this.wantsKeep && this.position !== undefined) {
      this.wantsKeep = false;
      const beganMs = clock.monotonicMs();
      // A write that fails leaves the lease as it was; the next one tells, or the time does.
      const isKept = await lease.keep(this.position).catch(() => undefined);
      if (isKept === false) this.position = undefined;
      if (isKept === true) this.keptMs = beganMs;
      if (isKept === false) this.keptMs = -Infinity;
      if (isKept === undefined) return;
    }
  }
}
