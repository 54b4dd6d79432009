import type { Clock } from '../ports/clock.ts';
import { type AbortWaiter, waitForAbort } from '../time/abort-hub.ts';

/** The ends of runs in this process, so that those who wait here need not wait for their next look at the store. */
export class LocalEnds {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Wakes all who wait for the key. */
  tell(key: string): void {
    const wakers = this.waiting.get(key);
    this.waiting.delete(key);
    for (const wake of wakers ?? []) wake();
  }

  /** Resolves when the key's run ends here, or after `delayMs`; rejects with the signal's reason when it aborts. */
  wait(key: string, delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const wakers = this.waiting.get(key) ?? new Set();
      this.waiting.set(key, wakers);
      const leave = (): void => {
        clock.clearTimer(timer);
        wakers.delete(wake);
        if (wakers.size === 0 && this.waiting.get(key) === wakers) this.waiting.delete(key);
      };
      const wake = (): void => {
        leave();
        hub?.remove(waiter);
        resolve();
      };
      const waiter: AbortWaiter = {
        onAbort(reason) {
          leave();
          reject(reason);
        },
      };
      const timer = clock.setTimer(delayMs, wake);
      const hub = signal === undefined ? undefined : waitForAbort(signal, waiter);
      wakers.add(wake);
    });
  }
}
