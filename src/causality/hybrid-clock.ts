import type { Clock } from '../ports/clock.ts';
import { type EntryLog, memoryEntryLog } from '../ports/entry-log.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { sleepMs } from '../time/sleep.ts';
import { hybridAfter, hybridAfterBoth, hybridZero } from './hybrid-step.ts';
import { checkHybrid, type HybridTime } from './hybrid-time.ts';

/** The promise, kept in a log, that every moment before `upToMs` may have been given, and none at it or later. */
export interface ClockBoundEntry {
  readonly type: 'clock-bound';
  readonly key: string;
  readonly upToMs: number;
}

/** Options of {@link openHybridClock}. */
export interface HybridClockOptions {
  /** Where the upper bound is kept, so that a restart cannot go back. Default: memory, for clocks that end with the process. */
  readonly log?: EntryLog<ClockBoundEntry>;
  /** How far ahead of this machine a received moment may be. Default `'500ms'`. */
  readonly maxDrift?: Duration;
  /** How far ahead the bound is kept: the larger, the fewer writes, and the longer a restart may wait. Default `'1s'`. */
  readonly reserve?: Duration;
  /** The machine's time. Default the system's clock. */
  readonly clock?: Clock;
  /** Ends the wait at opening. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
}

/** Defaults of {@link openHybridClock}. */
export const hybridClockDefaults: Readonly<{ maxDrift: Duration; reserve: Duration }> = Object.freeze({
  maxDrift: '500ms',
  reserve: '1s',
});

/** What became of a received moment. */
export interface HybridReceipt {
  /** The moment of the receipt: later than everything heard of before. */
  readonly time: HybridTime;
  /**
   * Whether the sender's clock was too far ahead to be believed. `time` then only says in which order it arrived, and may
   * be earlier than the sender's own.
   */
  readonly skewed: boolean;
}

/** Gives moments in an order that respects cause and effect. For order only: never decide a time-out by it. */
export interface HybridClock {
  /** The moment of something that happens here, or that is sent. Waits only while the bound is moved on. */
  send(): Promise<HybridTime>;
  /** The moment at which something is received that carries its sender's moment. */
  receive(sent: HybridTime): Promise<HybridReceipt>;
  /** The last moment that was given. */
  readonly last: HybridTime;
  /** How many received moments were too far ahead. */
  readonly skewedCount: number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

class BoundedClock implements HybridClock {
  last = hybridZero;
  skewedCount = 0;
  private boundMs = 0;
  private raising: Promise<void> | undefined;
  private readonly log: EntryLog<ClockBoundEntry>;
  private readonly clock: Clock;
  private readonly maxDriftMs: number;
  private readonly reserveMs: number;

  constructor(log: EntryLog<ClockBoundEntry>, clock: Clock, maxDriftMs: number, reserveMs: number) {
    this.log = log;
    this.clock = clock;
    this.maxDriftMs = maxDriftMs;
    this.reserveMs = reserveMs;
  }

  apply({ upToMs }: ClockBoundEntry): void {
    this.boundMs = Math.max(this.boundMs, upToMs);
  }

  live(): Iterable<ClockBoundEntry> {
    return [this.entry(this.boundMs)];
  }

  private entry(upToMs: number): ClockBoundEntry {
    return { type: 'clock-bound', key: 'hybrid-clock', upToMs };
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    await this.log.recover(this);
    // Without this wait a machine that restarts at once is ahead of its clock by the reserve, and others refuse it. A
    // clock that was set back by more than clocks may differ is not waited for: order is kept, nearness is not.
    const aheadMs = this.boundMs - this.clock.now();
    if (aheadMs > 0 && aheadMs <= this.reserveMs + this.maxDriftMs) await sleepMs(aheadMs, this.clock, signal);
    // Everything below the bound may have been given in the life before.
    this.last = { wallMs: this.boundMs, logical: 0 };
  }

  send(): Promise<HybridTime> {
    return this.move(() => hybridAfter(this.last, Math.floor(this.clock.now())));
  }

  async receive(sent: HybridTime): Promise<HybridReceipt> {
    checkHybrid(sent, 'a received time');
    let skewed = false;
    const time = await this.move(() => {
      const now = Math.floor(this.clock.now());
      const after = hybridAfterBoth(this.last, now, sent, this.maxDriftMs);
      skewed = after === undefined;
      return after ?? hybridAfter(this.last, now);
    });
    if (skewed) this.skewedCount++;
    return { time, skewed };
  }

  private async move(step: () => HybridTime): Promise<HybridTime> {
    for (;;) {
      const time = step();
      if (time.wallMs < this.boundMs) {
        this.last = time;
        // Half of the reserve is left for the write: nobody waits for it then. Its failure shows when it is needed.
        if (this.boundMs - time.wallMs < this.reserveMs / 2) this.raise(time.wallMs).catch(ignore);
        return time;
      }
      await this.raise(time.wallMs);
    }
  }

  private raise(wallMs: number): Promise<void> {
    this.raising ??= this.log.append([this.entry(wallMs + this.reserveMs)]).finally(() => (this.raising = undefined));
    return this.raising;
  }

  async close(): Promise<void> {
    await this.raising?.catch(ignore);
    await this.log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function ignore(): void {}

/**
 * Opens a hybrid logical clock: moments near the machine's time that respect cause and effect between machines, and go
 * on where they were after a restart, even when the machine's clock was set back meanwhile.
 *
 * Every moment is below a bound that is durable, and that is moved on ahead of need: about twice a second where the clock is
 * in use. Opening waits until the machine's clock has come to that bound, less than `reserve` after a crash.
 *
 * @param options.log a log of its own, to be closed with the clock.
 * @returns the clock. Its promises reject with what the log says when the bound cannot be moved on; no moment was given then.
 * @throws {RangeError} when `maxDrift` is negative or `reserve` is not above 0.
 * @see Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks", OPODIS 2014.
 * @example
 * await using here = await openHybridClock();
 * const cause = await here.send();
 * const { time } = await here.receive(cause);
 * compareHybrid(time, cause) > 0 // => true
 */
export async function openHybridClock(options: HybridClockOptions = {}): Promise<HybridClock> {
  const { log = memoryEntryLog<ClockBoundEntry>(), clock = systemClock } = options;
  const maxDriftMs = toMs(options.maxDrift ?? hybridClockDefaults.maxDrift, 'maxDrift');
  const reserveMs = toMs(options.reserve ?? hybridClockDefaults.reserve, 'reserve');
  if (reserveMs <= 0) throw new RangeError(`Expected reserve to be above 0 ms, got ${reserveMs}`);
  const hybrid = new BoundedClock(log, clock, maxDriftMs, reserveMs);
  await hybrid.start(options.signal);
  return hybrid;
}
