import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { retryCounter } from '../../src/guards/retry-counter.ts';

const threads = 3;

/** Raises one counter from real threads at once; returns the count, and how often each thread reached the threshold. */
async function raiseInThreads(raises: number, threshold: number): Promise<{ count: number; reached: number[] }> {
  const shared = new SharedArrayBuffer(4);
  const reachedBy = new SharedArrayBuffer(4 * threads);
  const common = { shared, gate: new SharedArrayBuffer(4), reachedBy, threads, raises, threshold };
  await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const workerData = { ...common, thread };
      return once(new Worker(new URL('./counter-thread.ts', import.meta.url), { workerData, execArgv: [] }), 'exit');
    }),
  );
  return { count: retryCounter({ threshold, shared }).count, reached: [...new Int32Array(reachedBy)] };
}

test('a retry counter is exact across worker threads: no raise is lost, none is counted twice', async () => {
  // Long enough that the threads really run at the same time; with a plain load and store some thousands are lost.
  const raises = 500_000;
  const { count, reached } = await raiseInThreads(raises, threads * raises + 1);
  expect(count).toBe(threads * raises);
  expect(reached).toEqual([0, 0, 0]);
});

test('of all threads exactly one sees itself reach the threshold, and the count stays there', async () => {
  for (const threshold of [1, 40_000]) {
    const { count, reached } = await raiseInThreads(20_000, threshold);
    expect(count).toBe(threshold);
    expect(reached.reduce((sum, number) => sum + number, 0)).toBe(1);
  }
});
