/**
 * The heart of a simulated world: one thread, one order of events, and time that jumps from event to event.
 *
 * What the engine does between two events are promise reactions only, and all of them run before the next event: every
 * event is a callback of `setImmediate`, after which Node runs the microtasks, and callbacks are queued by the fleet, since
 * Node runs a whole fleet in one turn of its loop. Measured on Node 24: one immediate a turn 0.5 M events/s, fleets of 64
 * 2.8 M, and no less public than it; `process._tickCallback` and V8's own checkpoint do 3.8 M, and are neither.
 */
import type { SeededRandom } from '../../ports/random.ts';
import type { Chronicle } from './chronicle.ts';
import { EventHeap, type SimulatedEvent } from './event-heap.ts';
import { TraceHash } from './trace-hash.ts';

const fleet = 64;

/** Events of one world in their order. */
export class Kernel {
  /** The world's own time, in ms since its beginning. */
  now = 0;
  /** How many events have happened. */
  events = 0;
  readonly trace: TraceHash = new TraceHash();
  /** Where what happened is told in words; nobody listens as a rule. */
  chronicle: Chronicle | undefined;
  /** Called after each event and all that followed from it. */
  afterEvent: (() => void) | undefined;
  private readonly heap = new EventHeap();
  private soonest: SimulatedEvent[] = [];
  private soonestFrom = 0;
  private readonly tieOf: SeededRandom;
  private added = 0;
  private running: { readonly untilMs: number; resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(random: SeededRandom) {
    this.tieOf = random.split('ties');
  }

  /** Lets something happen after `delayMs`, in any order with what else happens at that time. */
  after(delayMs: number, label: string, run: () => void): SimulatedEvent {
    const event = { time: this.now + Math.max(0, delayMs), tie: this.tieOf(), order: this.added++, label, run };
    this.heap.add(event);
    return event;
  }

  /** Lets something happen now, behind everything that was asked for now before. */
  soon(label: string, run: () => void): void {
    this.soonest.push({ time: this.now, tie: 0, order: this.added++, label, run });
  }

  cancel(event: SimulatedEvent | undefined): void {
    if (event !== undefined) event.run = undefined;
  }

  /** Tells whoever keeps a chronicle. */
  tell(sagaId: string | undefined, from: string, to: string, what: string): void {
    this.chronicle?.note(sagaId, { at: this.now, from, to, what });
  }

  /** Lets events happen until a time, or until none is left; rejects with what one of them throws. */
  run(untilMs: number): Promise<void> {
    if (this.running !== undefined) throw new TypeError('Expected the kernel to run once at a time');
    return new Promise((resolve, reject) => {
      this.running = { untilMs, resolve, reject };
      this.launch();
    });
  }

  /** Ends the run in hand. */
  fail(error: unknown): void {
    const { running } = this;
    this.running = undefined;
    running?.reject(error);
  }

  private readonly launch = (): void => {
    for (let place = 1; place < fleet; place++) setImmediate(this.step);
    setImmediate(this.lastStep);
  };

  private readonly lastStep = (): void => {
    this.step();
    if (this.running !== undefined) this.launch();
  };

  private readonly step = (): void => {
    const { running } = this;
    if (running === undefined) return;
    try {
      this.afterEvent?.();
      const event = this.take(running.untilMs);
      if (event === undefined) {
        this.running = undefined;
        if (this.now < running.untilMs && running.untilMs !== Infinity) this.now = running.untilMs;
        running.resolve();
        return;
      }
      this.happen(event);
    } catch (error) {
      this.fail(error);
    }
  };

  private take(untilMs: number): SimulatedEvent | undefined {
    if (this.soonestFrom < this.soonest.length) {
      const event = this.soonest[this.soonestFrom++];
      if (this.soonestFrom === this.soonest.length) {
        this.soonest = [];
        this.soonestFrom = 0;
      }
      return event;
    }
    const { next } = this.heap;
    return next === undefined || next.time > untilMs ? undefined : this.heap.pop();
  }

  private happen(event: SimulatedEvent): void {
    const { run } = event;
    if (run === undefined) return;
    event.run = undefined;
    this.now = Math.max(this.now, event.time);
    this.events++;
    this.trace.addNumber(this.now);
    this.trace.addText(event.label);
    run();
  }
}
