import { type Departure, refused } from '../policy/admission.ts';
import { abortableSignalOf, type ExecuteOptions } from '../policy/call.ts';
import { RefusedError } from '../policy/refused-error.ts';
import { checkInteger } from '../options.ts';
import type { QueueEvent } from './guard-events.ts';
import { ObservedGuard, type ObservedGuardOptions } from './observed-guard.ts';
import { WaitingLine } from './waiting-line.ts';

/** Options of {@link bulkhead}. */
export interface BulkheadOptions extends ObservedGuardOptions<QueueEvent> {
  /** How many calls may run at a time. */
  readonly maxConcurrent: number;
  /** How many more may wait for a place, first come, first served. Default 0: none waits. */
  readonly maxQueue?: number | undefined;
}

/** A bulkhead as it stands, as plain data. */
export interface BulkheadSnapshot {
  /** Calls that run now. */
  readonly running: number;
  /** Calls that wait for a place. */
  readonly queued: number;
  readonly maxConcurrent: number;
  readonly maxQueue: number;
}

/** A bulkhead did not let the call in: as many calls as may run at a time do, and no place to wait is left. */
export class BulkheadFullError extends RefusedError {
  /** Calls that were running. */
  readonly running: number;
  /** Calls that were waiting. */
  readonly queued: number;

  /** @param guard the bulkhead's name. */
  constructor(guard: string, { running, queued }: Pick<BulkheadSnapshot, 'running' | 'queued'>) {
    const message = `bulkhead "${guard}" is full: ${running} calls are running and ${queued} waiting`;
    super('MAKEGOOD_BULKHEAD_FULL', message, { guard });
    this.running = running;
    this.queued = queued;
  }
}

/**
 * Lets a bounded number of calls run at a time; {@link bulkhead} makes one.
 *
 * @example
 * const database = bulkhead({ maxConcurrent: 2 });
 * const running = await database.execute(() => database.snapshot().running);
 * running // => 1
 */
export class Bulkhead extends ObservedGuard<QueueEvent> {
  private readonly maxConcurrent: number;
  private readonly maxQueue: number;
  private readonly line: WaitingLine = new WaitingLine();
  private running = 0;

  constructor(maxConcurrent: number, maxQueue: number, { name = 'bulkhead', observer }: BulkheadOptions) {
    super(name, observer);
    this.maxConcurrent = maxConcurrent;
    this.maxQueue = maxQueue;
  }

  // While anybody waits all places are taken, since a place that comes free is handed over: nobody can be overtaken.
  tryEnter(): number {
    if (this.running >= this.maxConcurrent) return refused;
    this.running += 1;
    return 0;
  }

  override enter(options?: ExecuteOptions): number | Promise<number> {
    const ticket = this.tryEnter();
    if (ticket >= 0 || this.line.length >= this.maxQueue) return ticket;
    const waiting = this.line.join(abortableSignalOf(options));
    this.tell({ type: 'guard.queued', name: this.name, queued: this.line.length });
    return waiting;
  }

  leave(_ticket: number, _departure: Departure): void {
    if (!this.line.admitFirst(0)) this.running -= 1;
  }

  /** How it stands now. */
  snapshot(): BulkheadSnapshot {
    const { running, maxConcurrent, maxQueue } = this;
    return { running, queued: this.line.length, maxConcurrent, maxQueue };
  }

  protected makeRefusal(): BulkheadFullError {
    return new BulkheadFullError(this.name, this.snapshot());
  }
}

/**
 * Makes a bulkhead: at most `maxConcurrent` calls run at a time, so that one slow callee cannot take every connection,
 * socket or byte of memory there is. As many as `maxQueue` wait for a place, first come, first served; the rest are
 * refused at once with a {@link BulkheadFullError}. Who waits is never refused later: it is admitted, or its own signal
 * ends the wait, and then it rejects with the signal's reason.
 *
 * @param options.maxConcurrent calls that may run at a time, 1 or more.
 * @param options.maxQueue calls that may wait, 0 or more. Default 0.
 * @param options.name what it protects; in errors and events. Default `'bulkhead'`.
 * @throws {TypeError} or {RangeError} when an option is wrong.
 * @example
 * const reports = bulkhead({ name: 'reports', maxConcurrent: 1 });
 * const held = reports.tryEnter();
 * const second = await reports.execute(() => 'made').catch((error) => error.code);
 * second // => 'MAKEGOOD_BULKHEAD_FULL'
 */
export function bulkhead(options: BulkheadOptions): Bulkhead {
  const { maxConcurrent, maxQueue = 0 } = options;
  checkInteger('maxConcurrent', maxConcurrent, 1);
  checkInteger('maxQueue', maxQueue, 0);
  return new Bulkhead(maxConcurrent, maxQueue, options);
}
