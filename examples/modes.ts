import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { walEntryLog } from 'makegood/adapters/wal';
import { memoryJournal } from 'makegood/journal';
import { type DecisionRules, openDecisionAuthority, openProvisionalLedger } from 'makegood/provisional';
import { type CommittedEntry, journalWarmth, openLoggedSource, readCache } from 'makegood/read-cache';

const folder = await mkdtemp(join(tmpdir(), 'modes-'));

// #region cache
const log = walEntryLog<CommittedEntry<number>>(join(folder, 'stock'), { purpose: 'stock' });
await using source = await openLoggedSource<number>({ log });
await source.commit({ reads: new Map(), writes: new Map([['apples', 7]]) });

const stock = readCache<number>({ source });
const journal = memoryJournal();
await stock.warm(journalWarmth<number>(journal, (saga) => saga.steps.flatMap(({ output }) => stockSeenIn(output))));

const left = await stock.decide(async ({ read, write }) => {
  const apples = (await read('apples')) ?? 0;
  if (apples > 0) write('apples', apples - 1);
  return apples - 1;
});
console.log(left, stock.figures.repeated); // prints: 6 0
// #endregion

/** What a step has recorded of the stock: its output says which value it saw, and in which version. */
function stockSeenIn(output: unknown): [string, { value: number; version: number }][] {
  const seen = output as { item?: string; value: number; version: number } | undefined;
  return seen?.item === undefined ? [] : [[seen.item, seen]];
}

// #region apart
const rules: DecisionRules<number, number> = {
  initial: () => 10,
  apply: (have, wanted) => (wanted <= have ? { state: have - wanted } : { conflict: `only ${have} left` }),
};
const open = (node: string) =>
  openProvisionalLedger<number, number>({
    node,
    rules,
    log: walEntryLog(join(folder, node), { purpose: 'decisions' }),
    compensate: ({ decision, conflict }) => console.log(`${node} takes ${decision.id} back: ${conflict}`),
  });
await using north = await open('north');
await using south = await open('south');

// Neither can reach the other, or the authority; both answer at once.
console.log((await north.propose({ id: 'order-1', key: 'apples', body: 8 })).accepted); // prints: true
console.log((await south.propose({ id: 'order-2', key: 'apples', body: 8 })).accepted); // prints: true
// #endregion

// #region heal
await using authority = await openDecisionAuthority<number, number>({
  rules,
  log: walEntryLog(join(folder, 'authority'), { purpose: 'verdicts' }),
});
await Promise.all([north.reconcile(authority), south.reconcile(authority)]);
await south.settle(); // prints: south takes order-2 back: only 2 left
console.log(north.get('order-1')?.status, south.get('order-2')?.status); // prints: confirmed compensated
// #endregion
