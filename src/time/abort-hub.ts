/** Is told once when the signal it waits on aborts. */
export interface AbortWaiter {
  /**
   * Called synchronously from the abort, after which the waiter is forgotten.
   * An implementer keeps: it does not throw, or those behind it would not be told.
   */
  onAbort(reason: unknown): void;
}

/**
 * All who wait on one signal, behind a single listener. An `EventTarget` looks through its listeners each time one is
 * added or removed, so a listener a waiter would make 100,000 waiters on a shared signal cost their square.
 */
export class AbortHub {
  private readonly signal: AbortSignal;
  private readonly waiters = new Set<AbortWaiter>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  add(waiter: AbortWaiter): void {
    if (this.waiters.size === 0) this.signal.addEventListener('abort', this);
    this.waiters.add(waiter);
  }

  /** Forgets a waiter; the last one takes the listener with it. Safe to call twice. */
  remove(waiter: AbortWaiter): void {
    if (this.waiters.delete(waiter) && this.waiters.size === 0) this.signal.removeEventListener('abort', this);
  }

  /** The event listener itself. */
  handleEvent(): void {
    this.signal.removeEventListener('abort', this);
    for (const waiter of this.waiters) {
      this.waiters.delete(waiter);
      waiter.onAbort(this.signal.reason);
    }
  }
}

// Weak, so that a hub lives as long as its signal and keeps nothing alive.
const hubs = new WeakMap<AbortSignal, AbortHub>();

/**
 * Has `waiter` told when `signal` aborts; take it back with `remove` on the hub that is returned.
 * The signal must not have aborted yet: the event would never come.
 */
export function waitForAbort(signal: AbortSignal, waiter: AbortWaiter): AbortHub {
  let hub = hubs.get(signal);
  if (hub === undefined) {
    hub = new AbortHub(signal);
    hubs.set(signal, hub);
  }
  hub.add(waiter);
  return hub;
}
