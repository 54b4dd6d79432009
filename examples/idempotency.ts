import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { walStore } from 'makegood/adapters/wal';
import { claimTable, idempotency, memoryStore } from 'makegood/idempotency';

// #region once
const payments = idempotency({ store: memoryStore(), lease: '15s', ttl: '1d' });

let charges = 0;
async function charge(order: { id: string; total: number }): Promise<{ receipt: string }> {
  return payments.once(`${order.id}/charge/action`, async () => ({ receipt: `receipt ${++charges}` }), {
    fingerprint: `total ${order.total}`,
  });
}

const order = { id: 'order-1', total: 4200 };
const receipts = await Promise.all([charge(order), charge(order), charge(order)]);
console.log(receipts.map(({ receipt }) => receipt).join(', ')); // prints: receipt 1, receipt 1, receipt 1
// #endregion

// #region reused
try {
  await charge({ ...order, total: 9900 });
} catch (error) {
  console.log((error as { code: string }).code); // prints: MAKEGOOD_KEY_REUSED
}
// #endregion

// #region durable
const path = await mkdtemp(join(tmpdir(), 'keys-'));
async function chargeOnce(): Promise<unknown> {
  await using store = await walStore(path);
  return await idempotency({ store }).once('order-2/charge', () => ({ receipt: `receipt ${++charges}` }));
}
console.log(await chargeOnce(), await chargeOnce()); // prints: { receipt: 'receipt 2' } { receipt: 'receipt 2' }
// #endregion

// #region fenced
await payments.once('nightly-report', async ({ signal, token }) => {
  // A store that keeps the highest token it has seen refuses whoever comes with a lower one.
  await writeReport({ signal, fence: token });
});
// #endregion

// #region claim
const seen = claimTable({ ttl: '1h' });
const events = ['e-1', 'e-2', 'e-1'];
console.log(events.filter((id) => seen.claim(id)).length, 'of', events.length); // prints: 2 of 3
// #endregion

async function writeReport(_options: { signal: AbortSignal; fence: number }): Promise<void> {}
