import type { Clock } from '../ports/clock.ts';
import { type AbortHub, type AbortWaiter, waitForAbort } from './abort-hub.ts';
import type { Alarm, AlarmLink } from './alarm-queue.ts';
import { type Alarms, alarmsOf } from './alarms.ts';

/** An `AbortSignal` that holds a timer or listeners until it aborts or is disposed of; made for `using`. */
export type DisposableSignal = AbortSignal & Disposable;

/** A signal that aborts with the first of its parents, or at its own time; whichever comes first lets go of the rest. */
export class DerivedSignal implements Alarm, AbortWaiter {
  tick = 0;
  next: AlarmLink | undefined = undefined;
  previous: AlarmLink | undefined = undefined;
  readonly signal: DisposableSignal;
  private readonly controller = new AbortController();
  private readonly hubs: AbortHub[] = [];
  private alarms: Alarms | undefined;
  private makeReason: (() => unknown) | undefined;

  constructor(parents: readonly (AbortSignal | undefined)[]) {
    const dispose = (): void => this.dispose();
    this.signal = Object.defineProperty(this.controller.signal, Symbol.dispose, { value: dispose }) as DisposableSignal;
    const aborted = parents.find((parent) => parent?.aborted);
    if (aborted !== undefined) {
      this.controller.abort(aborted.reason);
      return;
    }
    for (const parent of parents) if (parent !== undefined) this.hubs.push(waitForAbort(parent, this));
  }

  /** Aborts after `delayMs` with the reason that `makeReason` gives then; at once when there is no time at all. */
  abortAfter(delayMs: number, clock: Clock, makeReason: () => unknown): void {
    if (this.signal.aborted) return;
    if (delayMs <= 0) return this.onAbort(makeReason());
    this.makeReason = makeReason;
    this.alarms = alarmsOf(clock);
    this.alarms.set(this, clock.monotonicMs() + delayMs);
  }

  ring(): void {
    this.onAbort(this.makeReason?.());
  }

  onAbort(reason: unknown): void {
    this.dispose();
    this.controller.abort(reason);
  }

  dispose(): void {
    this.alarms?.clear(this);
    for (const hub of this.hubs) hub.remove(this);
    this.hubs.length = 0;
  }
}
