import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { sharedClaimTable } from '../../src/idempotency/claim-table.ts';

const threads = 4;
const keys = 50_000;

test(`${threads} threads claim the same ${keys} keys at the same time: each key is given to exactly one`, async () => {
  const table = sharedClaimTable({ maxKeys: keys + threads, averageKeyBytes: 16 });
  const gate = new SharedArrayBuffer(8);
  const workers = Array.from({ length: threads }, () => {
    const file = new URL('./claim-table-worker.ts', import.meta.url);
    return new Worker(file, { workerData: { buffer: table.buffer, gate, keys } });
  });
  const answers = workers.map((worker) => once(worker, 'message') as Promise<[number[]]>);
  const start = new Int32Array(gate);
  while (Atomics.load(start, 0) < threads) await sleep(1);
  Atomics.store(start, 1, 1);
  Atomics.notify(start, 1);
  const won = (await Promise.all(answers)).map(([keysWon]) => keysWon);
  const all = won.flat().toSorted((left, right) => left - right);
  expect(all).toEqual(Array.from({ length: keys }, (_, key) => key));
  expect(table.size).toBe(keys);
  expect(table.claim('order-0')).toBe(false);
});
