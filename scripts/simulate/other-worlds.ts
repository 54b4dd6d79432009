/** Worlds that are not those of one coordinator: several of them over one store, and callers behind guards. */
import { simulateCluster } from '../../src/testing/simulation/simulate-cluster.ts';
import { simulateGuards } from '../../src/testing/simulation/simulate-guards.ts';
import { openModelledJournal } from './cluster-journal.ts';
import type { WorldsEffort } from './worlds.ts';

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

interface Found {
  readonly seed: number;
  readonly traceHash: string;
  readonly violation?: { readonly invariant: string; readonly message: string; readonly sagaId?: string | undefined };
}

const twiceEvery = 20;

/** Runs seed after seed for some minutes of processor time, one in twenty twice; resolves with the violations. */
async function seedAfterSeed({ minutes, from }: WorldsEffort, run: (seed: number) => Promise<Found>): Promise<number> {
  const startedAt = cpuSeconds();
  let violations = 0;
  let seed = from;
  for (; cpuSeconds() - startedAt < minutes * 60; seed++) {
    const { violation, traceHash } = await run(seed);
    if (violation !== undefined) {
      violations++;
      console.log(`seed ${seed}: ${violation.invariant} ${violation.sagaId ?? ''}: ${violation.message}`);
    }
    if (seed % twiceEvery !== 0 || (await run(seed)).traceHash === traceHash) continue;
    violations++;
    console.log(`seed ${seed}: two runs differ`);
  }
  console.log(`${seed - from} worlds in ${(cpuSeconds() - startedAt).toFixed(0)} s of CPU, ${violations} violations`);
  return violations;
}

/** Several coordinators over one modelled store; resolves with the exit status. */
export async function simulateClusters(effort: WorldsEffort): Promise<number> {
  const [totals, hours] = [{ sagas: 0, answers: 0, openings: 0, faults: 0 }, effort.hours / 10];
  const violations = await seedAfterSeed(effort, async (seed) => {
    const report = await simulateCluster({ seed, hours, openJournal: openModelledJournal });
    totals.sagas += report.counts.started;
    totals.answers += report.judged;
    totals.openings += report.counts.recoveries;
    totals.faults += report.struck.length;
    return report;
  });
  const { sagas, answers, openings, faults } = totals;
  console.log(`${sagas} sagas, ${openings} shards taken up, ${faults} faults, ${answers} answers judged`);
  return violations === 0 ? 0 : 1;
}

/** Callers behind guards; resolves with the exit status. */
export async function simulateCallers(effort: WorldsEffort): Promise<number> {
  const totals = { calls: 0, retries: 0 };
  const violations = await seedAfterSeed(effort, async (seed) => {
    const report = await simulateGuards(seed);
    totals.calls += report.calls;
    totals.retries += report.retries;
    return report;
  });
  console.log(`${totals.calls} calls, ${totals.retries} of them retries`);
  return violations === 0 ? 0 : 1;
}
