import type { Clock, TimerHandle } from '../ports/clock.ts';
import { type Alarm, AlarmQueue } from './alarm-queue.ts';

/**
 * All alarms on one clock, behind a single timer of it. They are exact to the millisecond, as timers are, and never ring
 * early.
 *
 * The timer is set when the event loop has turned, so a call that is over by then has cost no timer; it is taken back as
 * soon as nothing waits any more, so that it keeps no process alive.
 */
export class Alarms {
  private readonly clock: Clock;
  private readonly queue = new AlarmQueue();
  private readonly originMs: number;
  private timer: TimerHandle;
  /** The tick the timer is set for. */
  private timerTick = Infinity;
  private isArming = false;

  constructor(clock: Clock) {
    this.clock = clock;
    this.originMs = Math.floor(clock.monotonicMs());
  }

  /** Has `alarm` ring when the clock's `monotonicMs` shows `dueMs`, in a later turn. It must not be waiting already. */
  set(alarm: Alarm, dueMs: number): void {
    const tick = Math.ceil(dueMs - this.originMs);
    this.queue.add(alarm, tick);
    if (tick >= this.timerTick || this.isArming) return;
    this.isArming = true;
    this.clock.soon(this.arm);
  }

  /** Takes an alarm back; does nothing when it does not wait. */
  clear(alarm: Alarm): void {
    this.queue.remove(alarm);
    if (this.queue.size === 0) this.disarm();
  }

  private readonly arm = (): void => {
    this.isArming = false;
    try {
      // A timer may be early by a fraction of a millisecond against monotonicMs; then nothing is due yet.
      this.queue.advance(Math.floor(this.clock.monotonicMs() - this.originMs));
    } finally {
      // Whatever an alarm may throw, those behind it ring in a later turn.
      this.setTimer();
    }
  };

  private readonly wake = (): void => {
    this.timerTick = Infinity;
    this.arm();
  };

  private setTimer(): void {
    const { nextTick } = this.queue;
    if (nextTick >= this.timerTick) return;
    this.disarm();
    this.timerTick = nextTick;
    this.timer = this.clock.setTimer(this.originMs + nextTick - this.clock.monotonicMs(), this.wake);
  }

  private disarm(): void {
    if (this.timerTick < Infinity) this.clock.clearTimer(this.timer);
    this.timerTick = Infinity;
  }
}

// Weak, so that a clock that is made for a test goes with it.
const alarmsByClock = new WeakMap<Clock, Alarms>();

/** The alarms on a clock; one set for all who ask. */
export function alarmsOf(clock: Clock): Alarms {
  let alarms = alarmsByClock.get(clock);
  if (alarms === undefined) {
    alarms = new Alarms(clock);
    alarmsByClock.set(clock, alarms);
  }
  return alarms;
}
