/**
 * Lets three nodes on a real PostgreSQL suffer for a while and audits every effect: `npm run faults:cluster -- --minutes 20`.
 *
 *   --minutes N   how long the faults go on. Default 1
 *   --seed N      which faults come in which order. Default drawn, and printed
 *   --nodes N     default 3
 *   --lease N     ms, default 2000
 *   --rate N      sagas a second, default 40
 *   --only WORDS  only faults whose name holds these words
 */
import { parseArgs } from 'node:util';
import { runFaults } from './faults-cluster/run.ts';

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}

const text = (fallback: string) => ({ type: 'string', default: fallback }) as const;
const { values } = parseArgs({
  options: {
    minutes: text('1'),
    seed: text(String(Math.floor(Math.random() * 2 ** 31))),
    nodes: text('3'),
    lease: text('2000'),
    rate: text('40'),
    only: text(''),
  },
});
const plan = {
  seconds: Number(values.minutes) * 60,
  nodes: Number(values.nodes),
  leaseMs: Number(values.lease),
  sagasPerSecond: Number(values.rate),
  seed: Number(values.seed),
  only: values.only,
};
console.log(
  `seed ${plan.seed}, ${plan.nodes} nodes, lease ${plan.leaseMs} ms, ${plan.sagasPerSecond} sagas/s, ${plan.seconds} s`,
);
const report = await runFaults(plan, (name) => void process.stdout.write(`${name}; `));
console.log('\n');
for (const [name, count] of Object.entries(report.faults)) console.log(`${String(count).padStart(5)}  ${name}`);
const { takeOversMs, stuck, violations } = report;
console.log(`
sagas started ${report.started}, acknowledged ${report.accepted}
take-overs ${takeOversMs.length}: p50 ${quantile(takeOversMs, 0.5)} ms, p99 ${quantile(takeOversMs, 0.99)} ms (lease ${plan.leaseMs} ms)
calls of a replaced node that a participant refused ${report.staleCalls}
settled ${Math.round(report.settledMs)} ms after the last fault, ${stuck.length} stuck
violations ${violations.length}`);
for (const violation of [...stuck.map((id) => `${id} is stuck`), ...violations].slice(0, 20))
  console.log(`  ${violation}`);
process.exitCode = stuck.length + violations.length === 0 ? 0 : 1;
