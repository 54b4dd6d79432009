/**
 * The three leaves of the advisor, each on the real log: whether its promise holds, and what it costs: `node modes.ts`.
 * Seconds a case may be given: `node modes.ts 2`.
 */
import { cachedDecisions } from './modes/cached-decisions.ts';
import { causalEvents } from './modes/causal-events.ts';
import { decisionsApart } from './modes/decisions-apart.ts';
import { machine, saveResults, table } from './report.ts';

const seconds = Number(process.argv[2] ?? 3);
const rounds = 3;

console.log(machine());
console.log(
  `\nAgreement with a cache: decisions that read four of 50,000 values and write one, 16 at a time on two nodes, 10 ms from the source\n`,
);
const cached = await cachedDecisions({ seconds, rounds, delayMs: 10 });
console.log(table(cached));
console.log('\nCausal order: 20,000 events of four producers, displaced by up to 200 places\n');
const causal = await causalEvents({ events: 20_000, rounds });
console.log(table(causal));
console.log('\nAnswer and mend: three nodes, cut off while they decide on 300 items of which there are 50 each\n');
const apart = await decisionsApart({ decisions: 6000, rounds, delayMs: 10 });
console.log(table(apart));
saveResults('modes', { machine: machine(), cached, causal, apart });
