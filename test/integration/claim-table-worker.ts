/** Claims the keys it is told to on a shared table, and says which it was given. */
import { parentPort, workerData } from 'node:worker_threads';
import { sharedClaimTable } from '../../src/idempotency/claim-table.ts';

const { buffer, gate, keys } = workerData as { buffer: SharedArrayBuffer; gate: SharedArrayBuffer; keys: number };
const table = sharedClaimTable({ buffer });
const start = new Int32Array(gate);
Atomics.add(start, 0, 1);
Atomics.wait(start, 1, 0);
const won: number[] = [];
for (let key = 0; key < keys; key++) if (table.claim(`order-${key}`)) won.push(key);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads has no origin
parentPort?.postMessage(won);
