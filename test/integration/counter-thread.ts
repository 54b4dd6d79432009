import { workerData } from 'node:worker_threads';
import { retryCounter } from '../../src/guards/retry-counter.ts';

// One thread of several: waits until all are there, raises the counter as often as it is told, and notes how often it
// was the one that reached the threshold.
const { shared, gate, threads, raises, threshold, reachedBy, thread } = workerData as {
  readonly shared: SharedArrayBuffer;
  readonly gate: SharedArrayBuffer;
  readonly threads: number;
  readonly raises: number;
  readonly threshold: number;
  readonly reachedBy: SharedArrayBuffer;
  readonly thread: number;
};
const arrived = new Int32Array(gate);
Atomics.add(arrived, 0, 1);
Atomics.notify(arrived, 0);
for (let seen = Atomics.load(arrived, 0); seen < threads; seen = Atomics.load(arrived, 0)) {
  Atomics.wait(arrived, 0, seen);
}
const counter = retryCounter({ threshold, shared });
let reached = 0;
for (let call = 0; call < raises; call++) if (counter.raise()) reached += 1;
Atomics.store(new Int32Array(reachedBy), thread, reached);
