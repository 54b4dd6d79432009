import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { Random } from '../ports/random.ts';
import { decideRetry, type RetryRules } from '../retry/decide-retry.ts';
import { sleepMs } from '../time/sleep.ts';
import type { LedgerItem } from './ledger-book.ts';
import type { ProvisionalEvent } from './provisional-events.ts';

/** How compensations are made, and where they are written down. */
export interface CompensationWork<Body> {
  readonly itemOf: (id: string) => LedgerItem<Body> | undefined;
  readonly compensate: (item: LedgerItem<Body>, signal: AbortSignal) => unknown;
  readonly noteAttempt: (id: string, attempt: number) => Promise<void>;
  readonly noteDone: (id: string) => Promise<void>;
  readonly noteGivenUp: (id: string, error: unknown) => Promise<void>;
  readonly retry: RetryRules;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer<ProvisionalEvent> | undefined;
}

/** Compensates what was overruled: each in its own time, so many at a time, the attempts counted durably before each. */
export class CompensationRuns<Body> {
  private readonly work: CompensationWork<Body>;
  private readonly queue: string[] = [];
  private readonly running = new Map<string, Promise<void>>();
  private readonly stop = new AbortController();

  constructor(work: CompensationWork<Body>) {
    this.work = work;
  }

  add(ids: Iterable<string>): void {
    this.queue.push(...ids);
    this.fill();
  }

  /** Resolves when nothing is left to do but for a person. */
  async settle(): Promise<void> {
    while (this.running.size > 0) await Promise.race(this.running.values());
  }

  async close(reason: Error): Promise<void> {
    this.queue.length = 0;
    this.stop.abort(reason);
    await this.settle();
  }

  private fill(): void {
    while (this.running.size < this.work.concurrency) {
      const id = this.queue.shift();
      if (id === undefined) return;
      if (this.running.has(id)) continue;
      // It fails only with the log, whose every later use fails too, or with the end of the ledger.
      const run = this.run(id).catch(ignore);
      this.running.set(
        id,
        run.then(() => {
          this.running.delete(id);
          this.fill();
        }),
      );
    }
  }

  private async run(id: string): Promise<void> {
    const { work, stop } = this;
    const { signal } = stop;
    let previousDelayMs: number | undefined;
    for (;;) {
      signal.throwIfAborted();
      const item = work.itemOf(id);
      if (item?.status !== 'overruled') return;
      const attempt = item.attempts + 1;
      if (attempt > work.retry.maxAttempts)
        return work.noteGivenUp(id, new Error('the process died in the last attempt'));
      await work.noteAttempt(id, attempt);
      try {
        await work.compensate({ ...item, attempts: attempt }, signal);
      } catch (error) {
        signal.throwIfAborted();
        const failed = { error, number: attempt, previousDelayMs, remainingMs: Infinity };
        const decision = decideRetry(failed, work.retry, work.random);
        if (!decision.retry) return work.noteGivenUp(id, error);
        previousDelayMs = decision.delayMs;
        notify(work.observer, {
          type: 'provisional.compensation-failed',
          id,
          attempt,
          delayMs: decision.delayMs,
          error,
        });
        await sleepMs(decision.delayMs, work.clock, signal);
        continue;
      }
      await work.noteDone(id);
      notify(work.observer, { type: 'provisional.compensated', id, attempt });
      return;
    }
  }
}

function ignore(): void {}
