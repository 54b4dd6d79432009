/**
 * One process of a simulated machine. The fault model:
 *
 * - It dies between two events: from then on nothing that it waited for comes, and nothing it asks for happens.
 * - It may be stopped for a while (a collection of garbage, SIGSTOP, a laptop's lid): what is due in the meantime happens
 *   when it goes on, in order, and clocks have gone on.
 * - Its clock runs a little too fast or too slow, its wall clock is off by some time and may be set to another.
 */
import type { Clock, TimerHandle } from '../../ports/clock.ts';
import type { SimulatedEvent } from './event-heap.ts';
import type { Kernel } from './kernel.ts';

/** What a process's clock does wrong. */
export interface ClockFault {
  /** How far the wall clock is off, in ms. */
  readonly skewMs: number;
  /** How fast its clock runs: 1 is right. */
  readonly rate: number;
}

const epochMs = 1_700_000_000_000;

/** A process, from its start to its death. */
export class SimulatedProcess {
  readonly number: number;
  readonly clock: Clock;
  alive = true;
  /** Whether it has ended in order. */
  closed = false;
  /** Timers that it has set and that have not fired. */
  timers = 0;
  /** Files that it has open. */
  openFiles = 0;
  private readonly kernel: Kernel;
  private readonly fault: ClockFault;
  private readonly bornMs: number;
  private stepMs = 0;
  private stoppedUntil = 0;
  /** What came while it was stopped, in order. */
  private held: { readonly label: string; readonly run: () => void }[] = [];

  constructor(kernel: Kernel, number: number, fault: ClockFault) {
    this.kernel = kernel;
    this.number = number;
    this.fault = fault;
    this.bornMs = kernel.now;
    this.clock = this.makeClock();
  }

  /** Nothing more happens in it. */
  die(): void {
    this.alive = false;
    this.held = [];
  }

  /** Stops it for some time. */
  stop(ms: number): void {
    const until = this.kernel.now + ms;
    if (until <= this.stoppedUntil) return;
    const wasStopped = this.stoppedUntil > this.kernel.now;
    this.stoppedUntil = until;
    if (!wasStopped) this.kernel.after(ms, 'go-on', this.goOn);
  }

  get stopped(): boolean {
    return this.stoppedUntil > this.kernel.now;
  }

  /** Sets the wall clock, as NTP or a person does. */
  stepClock(ms: number): void {
    this.stepMs += ms;
  }

  /** Lets something happen in this process; it does not once the process is dead. */
  after(delayMs: number, label: string, run: () => void): SimulatedEvent {
    return this.kernel.after(delayMs, label, () => this.enter(label, run));
  }

  private enter(label: string, run: () => void): void {
    if (!this.alive) return;
    if (this.stopped || this.held.length > 0) this.held.push({ label, run });
    else run();
  }

  private readonly goOn = (): void => {
    if (!this.alive) return;
    if (this.stopped) {
      this.kernel.after(this.stoppedUntil - this.kernel.now, 'go-on', this.goOn);
      return;
    }
    const [next] = this.held;
    if (next === undefined) return;
    this.held.shift();
    // One an event, so that promises settle in between as in any other process.
    if (this.held.length > 0) this.kernel.soon('go-on', this.goOn);
    next.run();
  };

  /**
   * When a timer fires: as libuv does it, which counts whole milliseconds from a time that it read a little earlier. So it
   * may fire a part of a millisecond early by the finer clock.
   */
  private timerMs(delayMs: number): number {
    const { now } = this.kernel;
    return Math.floor(now) + Math.max(1, Math.trunc(delayMs / this.fault.rate)) - now;
  }

  private makeClock(): Clock {
    const { kernel } = this;
    const { rate, skewMs } = this.fault;
    const monotonicMs = (): number => (kernel.now - this.bornMs) * rate;
    return {
      now: () => Math.floor(epochMs + kernel.now * rate + skewMs + this.stepMs),
      monotonicMs,
      setTimer: (delayMs, callback): TimerHandle => {
        if (Number.isNaN(delayMs)) throw new RangeError('Expected delayMs to be a number, got NaN');
        if (!this.alive) return undefined;
        this.timers++;
        return this.after(this.timerMs(delayMs), 'timer', () => {
          this.timers--;
          callback();
        });
      },
      clearTimer: (handle) => {
        const event = handle as SimulatedEvent | undefined;
        if (event?.run === undefined) return;
        this.timers--;
        kernel.cancel(event);
      },
      soon: (callback) => kernel.soon('turn', () => this.enter('turn', callback)),
    };
  }
}
