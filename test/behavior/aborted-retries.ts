/**
 * Many retries that are aborted while they wait, and what is left of them. A test makes a few thousand;
 * `node --expose-gc test/behavior/aborted-retries.ts` makes a million.
 */
import { getEventListeners } from 'node:events';
import { constant } from '../../src/backoff/index.ts';
import { type Clock, systemClock } from '../../src/ports/index.ts';
import { retryPolicy } from '../../src/retry/index.ts';
import { unavailable } from './retry-world.ts';

/** What is left when all are over. */
export interface Leftovers {
  /** Listeners on the signals that were aborted, and on the one that was not. */
  readonly listeners: number;
  /** Timers that are still set. */
  readonly timers: number;
  /** Growth of the heap since the first batch, bytes a call. */
  readonly bytesPerCall: number;
}

const failure = unavailable();

let timersSet = 0;
const clock: Clock = {
  ...systemClock,
  setTimer(delayMs, callback) {
    timersSet += 1;
    const fire = (): void => ((timersSet -= 1), callback());
    return systemClock.setTimer(delayMs, fire);
  },
  clearTimer: (handle) => ((timersSet -= 1), systemClock.clearTimer(handle)),
};
const policy = retryPolicy({ backoff: constant('1h'), attemptTimeout: '1m', deadline: '2h', budget: false, clock });

/** Makes `count` calls that wait for an hour, half of them on a signal each, half on one; and aborts them all. */
async function abortMany(count: number): Promise<number> {
  const shared = new AbortController();
  const callers = Array.from({ length: count }, (_, index) => (index % 2 === 0 ? shared : new AbortController()));
  const calls = callers.map(({ signal }) => policy.execute(() => Promise.reject(failure), { signal }));
  const ended = Promise.allSettled(calls);
  await new Promise((resolve) => setImmediate(resolve));
  for (const caller of callers) caller.abort('left');
  await ended;
  return callers.reduce((listeners, { signal }) => listeners + getEventListeners(signal, 'abort').length, 0);
}

/** One caller's signal that outlives any number of calls on it. */
async function succeedMany(count: number, signal: AbortSignal): Promise<void> {
  for (let call = 0; call < count; call++) await policy.execute(() => call, { signal });
}

export async function leftoversOf(calls: number, batch: number, gc: () => unknown): Promise<Leftovers> {
  const { signal } = new AbortController();
  let listeners = 0;
  let baseline = 0;
  for (let done = 0; done < calls; done += batch) {
    listeners += await abortMany(batch);
    await succeedMany(batch, signal);
    if (done > 0) continue;
    gc();
    baseline = process.memoryUsage().heapUsed;
  }
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  return {
    listeners: listeners + getEventListeners(signal, 'abort').length,
    timers: timersSet,
    bytesPerCall: (process.memoryUsage().heapUsed - baseline) / calls,
  };
}

if (import.meta.main) console.log(await leftoversOf(1_000_000, 10_000, globalThis.gc ?? (() => undefined)));
