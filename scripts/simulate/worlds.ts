import { reportLines } from '../../src/cli/simulate/simulation-text.ts';
import { simulate, type SimulationReport } from '../../src/testing/simulation/simulate.ts';
import { type ProfileName, profiles } from '../../src/testing/simulation/swarm.ts';

/** How much to simulate. */
export interface WorldsEffort {
  readonly minutes: number;
  readonly from: number;
  readonly hours: number;
}

// One run in so many is made twice: a difference would mean that something is not of the seed's making.
const twiceEvery = 50;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

class Totals {
  worlds = 0;
  violations = 0;
  twice = 0;
  private hours = 0;
  private sagas = 0;
  private events = 0;
  private readonly faults = new Map<string, number>();

  add({ elapsedMs, counts, events, faultsByClass, violation }: SimulationReport): void {
    this.worlds++;
    this.hours += elapsedMs / 3_600_000;
    this.sagas += counts.started;
    this.events += events;
    if (violation !== undefined) this.violations++;
    for (const [kind, many] of Object.entries(faultsByClass))
      this.faults.set(kind, (this.faults.get(kind) ?? 0) + many);
  }

  lines(seconds: number): readonly string[] {
    const faults = [...this.faults]
      .toSorted(([, one], [, other]) => other - one)
      .map(([kind, many]) => `${many} ${kind}`);
    const hoursAMinute = ((this.hours * 60) / seconds).toFixed(0);
    const rates = `${(this.events / seconds / 1000).toFixed(0)} k events/s, ${(this.sagas / seconds).toFixed(0)} sagas/s`;
    return [
      `${this.worlds} worlds, ${this.hours.toFixed(0)} simulated hours, ${this.sagas.toLocaleString('en')} sagas, ${this.twice} worlds twice with equal traces`,
      `${seconds.toFixed(0)} s of CPU: ${hoursAMinute} simulated hours a CPU-minute, ${rates}`,
      `faults: ${faults.join(', ')}`,
      `${this.violations} violations`,
    ];
  }
}

/** Simulates worlds for some minutes of processor time; resolves with the exit status. */
export async function simulateWorlds({ minutes, from, hours }: WorldsEffort): Promise<number> {
  const totals = new Totals();
  const names = Object.keys(profiles) as ProfileName[];
  const startedAt = cpuSeconds();
  for (let seed = from; cpuSeconds() - startedAt < minutes * 60; seed++) {
    const profile = seed % 2 === 0 ? 'all' : (names[((seed - 1) / 2) % names.length] as ProfileName);
    const report = await simulate({ seed, hours, profile });
    totals.add(report);
    if (report.violation !== undefined) console.log(reportLines(report).join('\n'));
    if (seed % twiceEvery !== 0) continue;
    const again = await simulate({ seed, hours, profile });
    totals.twice++;
    if (again.traceHash === report.traceHash) continue;
    totals.violations++;
    console.log(`seed ${seed}, profile ${profile}: two runs differ, ${report.traceHash} and ${again.traceHash}`);
  }
  console.log(totals.lines(cpuSeconds() - startedAt).join('\n'));
  return totals.violations === 0 ? 0 : 1;
}
