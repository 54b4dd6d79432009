import type { Clock, TimerHandle } from '../../../ports/clock.ts';

/**
 * The server's time, as far as it is known here, and never ahead of it: what a reading told, and the time since it came.
 * It does not step back, so a reading that took longer than the one before changes nothing.
 */
export class StoreClock implements Clock {
  private readonly clock: Clock;
  private offsetMs = 0;
  private last = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The server's time was this, at some moment before now. */
  heard(at: number): void {
    this.offsetMs = at - this.clock.monotonicMs();
  }

  now(): number {
    this.last = Math.max(this.last, Math.floor(this.clock.monotonicMs() + this.offsetMs));
    return this.last;
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    return this.clock.setTimer(delayMs, callback);
  }

  clearTimer(handle: TimerHandle): void {
    this.clock.clearTimer(handle);
  }

  soon(callback: () => void): void {
    this.clock.soon(callback);
  }
}
