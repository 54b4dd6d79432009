import type { Clock, TimerHandle } from '../ports/clock.ts';

/** One timer a saga, for whatever is due first: each decision names all that is due. */
export class WakeTimer {
  private readonly clock: Clock;
  private readonly wake: () => void;
  private timer: TimerHandle;

  constructor(clock: Clock, wake: () => void) {
    this.clock = clock;
    this.wake = wake;
  }

  /** Sets it anew, by the wall clock. */
  set(at: number): void {
    this.clear();
    this.timer = this.clock.setTimer(at - this.clock.now(), () => {
      this.timer = undefined;
      this.wake();
    });
  }

  clear(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
  }
}
