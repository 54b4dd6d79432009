import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { walEntryLog } from 'makegood/adapters/wal';
import { advanceVector, type CausalEntry, type CausalEvent, compareHybrid, compareVectors } from 'makegood/causality';
import { mergeVectors, openCausalDelivery, openHybridClock } from 'makegood/causality';

// #region order
const scope = 'order-1';
const placed: CausalEvent = {
  scope,
  id: 'placed',
  producer: 'orders#1',
  vector: { 'orders#1': 1 },
  payload: { total: 4200 },
};
const knows = advanceVector(placed.vector, 'payments#1');
const paid: CausalEvent = { scope, id: 'paid', producer: 'payments#1', vector: knows, payload: { receipt: 'r-1' } };
console.log(compareVectors(placed.vector, paid.vector)); // prints: before
// #endregion

// #region deliver
const path = await mkdtemp(join(tmpdir(), 'inbox-'));
await using inbox = await openCausalDelivery({
  log: walEntryLog<CausalEntry>(path, { purpose: 'inbox of the ledger' }),
  deliver: ({ id }) => console.log(`delivers ${id}`),
  resend: ({ producer, from }) => console.log(`asks ${producer} for its events from ${from} on`),
  onPark: ({ gaps }) => console.log('a person is asked about', gaps),
});
console.log(await inbox.accept(paid)); // prints: held
console.log(await inbox.accept(placed)); // prints: delivers placed
// … then delivers paid, and answers: delivered
// #endregion

// #region produce
const known = mergeVectors(inbox.view(scope).vector, { 'ledger#1': 0 });
const booked: CausalEvent = {
  scope,
  id: 'booked',
  producer: 'ledger#1',
  vector: advanceVector(known, 'ledger#1'),
  payload: {},
};
console.log(booked.vector['ledger#1'], booked.vector['payments#1']); // prints: 1 1
// #endregion

// #region clock
const [here, there] = [await openHybridClock(), await openHybridClock()];
const sent = await here.send();
const { time, skewed } = await there.receive(sent);
console.log(compareHybrid(time, sent) > 0, skewed); // prints: true false
await Promise.all([here.close(), there.close()]);
// #endregion
