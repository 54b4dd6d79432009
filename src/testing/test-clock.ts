import type { Clock, TimerHandle } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { type QueuedTimer, TimerQueue } from './timer-queue.ts';

/** A clock that stands still until told to move, see {@link testClock}. */
export interface TestClock extends Clock {
  /**
   * Moves time on by `ms`, firing each timer at its own time and letting promises settle in between; timers that are set
   * on the way fire too when they are due. Rejects with what a timer's callback throws, time standing where it fired.
   */
  advance(ms: number): Promise<void>;
  /** Moves time to the next timer and fires it; `false` when there is none. */
  fireNext(): Promise<boolean>;
  /**
   * Moves time to the next timer, as often as there is one, until none is left. Resolves with the time passed, in ms.
   * After `maxTimers` timers, 100,000 unless told otherwise, it rejects with a `RangeError`: one re-arms itself for ever.
   */
  runAll(options?: { readonly maxTimers?: number }): Promise<number>;
  /** Lets every promise that can settle now settle; time stands still. */
  settle(): Promise<void>;
  /** Keeps time still until `work` settles: for what is real, such as a file or a server, and takes no time here. */
  holdWhile<Value>(work: Promise<Value>): Promise<Value>;
  /** Moves only the wall clock, as an operator or NTP would: `monotonicMs` and timers do not notice. */
  stepWallClock(ms: number): void;
  /** How many timers wait. 0 after a clean end: the test for leaked timers. */
  readonly pendingTimers: number;
}

// Promise reactions run between two turns; a few turns let chains that pass through real I/O or streams settle too.
const turnsToSettle = 3;

/**
 * A clock for tests: it drives timers and promises deterministically and never really waits.
 *
 * Timers fire in order of due time, then of creation. A callback that starts promises sees them settle before the next
 * timer fires.
 *
 * @param options.startAt wall-clock time at the start, in ms since 1970. Default 1,700,000,000,000 (November 2023).
 * @throws {RangeError} from `setTimer`, `advance` and `stepWallClock` when a time is not a number, or would run backwards.
 * @example
 * const clock = testClock();
 * clock.setTimer(1000, () => console.log('a second later'));
 * await clock.advance(1000); // prints "a second later" at once
 */
export function testClock(options: { readonly startAt?: number } = {}): TestClock {
  let elapsedMs = 0;
  let wallOffsetMs = options.startAt ?? 1_700_000_000_000;
  let held = 0;
  const timers = new TimerQueue();

  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < turnsToSettle; quiet = held > 0 ? 0 : quiet + 1)
      await new Promise<void>((resolve) => systemClock.soon(resolve));
  };

  const fire = async (timer: QueuedTimer): Promise<void> => {
    timers.remove(timer);
    elapsedMs = Math.max(elapsedMs, timer.dueMs);
    timer.callback();
    await settle();
  };

  return {
    now: () => wallOffsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, callback): TimerHandle {
      if (Number.isNaN(delayMs)) throw new RangeError('Expected delayMs to be a number, got NaN');
      return timers.add(elapsedMs + Math.max(0, delayMs), callback);
    },
    clearTimer(handle) {
      if (handle !== undefined) timers.remove(handle as QueuedTimer);
    },
    soon: (callback) => systemClock.soon(callback),
    settle,
    async holdWhile(work) {
      held++;
      try {
        return await work;
      } finally {
        held--;
      }
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`Expected ms to be 0 or more, got ${ms}`);
      const targetMs = elapsedMs + ms;
      await settle();
      for (let timer = timers.next; timer !== undefined && timer.dueMs <= targetMs; timer = timers.next) {
        await fire(timer);
      }
      elapsedMs = Math.max(elapsedMs, targetMs);
    },
    async fireNext() {
      await settle();
      const { next } = timers;
      if (next !== undefined) await fire(next);
      return next !== undefined;
    },
    async runAll({ maxTimers = 100_000 } = {}) {
      const startedMs = elapsedMs;
      await settle();
      let fired = 0;
      for (let timer = timers.next; timer !== undefined; timer = timers.next) {
        if (++fired > maxTimers)
          throw new RangeError(`Expected at most ${maxTimers} timers, more were set; is one re-armed for ever?`);
        await fire(timer);
      }
      return elapsedMs - startedMs;
    },
    stepWallClock(ms) {
      if (!Number.isFinite(ms)) throw new RangeError(`Expected ms to be a finite number, got ${ms}`);
      wallOffsetMs += ms;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}
