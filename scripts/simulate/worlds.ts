import { reportLines } from '../../src/cli/simulate/simulation-text.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { simulate, type SimulationReport } from '../../src/testing/simulation/simulate.ts';
import { drawPlan, hoursOfLoad, type ProfileName, profiles } from '../../src/testing/simulation/swarm.ts';

/** How much to simulate. */
export interface WorldsEffort {
  readonly minutes: number;
  readonly from: number;
  /** Simulated hours of a world with 60 sagas a minute; of others so many that about as many sagas come. */
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
  private recoveries = 0;
  private readonly faults = new Map<string, number>();

  add({ elapsedMs, counts, events, faultsByClass, violation }: SimulationReport): void {
    this.worlds++;
    this.hours += elapsedMs / 3_600_000;
    this.sagas += counts.started;
    this.events += events;
    this.recoveries += counts.recoveries;
    if (violation !== undefined) this.violations++;
    for (const [kind, many] of Object.entries(faultsByClass))
      this.faults.set(kind, (this.faults.get(kind) ?? 0) + many);
  }

  /** A bar of what is done, for whoever waits. */
  bar(ratio: number): string {
    const done = '#'.repeat(Math.round(Math.min(1, ratio) * 30)).padEnd(30, '.');
    const what = `${this.worlds} worlds, ${this.hours.toFixed(0)} h, ${this.sagas} sagas, ${this.violations} violations`;
    return `[${done}] ${(ratio * 100).toFixed(0)} % ${what}`;
  }

  lines(seconds: number): readonly string[] {
    const faults = [...this.faults]
      .toSorted(([, one], [, other]) => other - one)
      .map(([kind, many]) => `${many} ${kind}`);
    const { events, hours, sagas } = this;
    const minute = 60 / seconds;
    const rates = `${(events / seconds / 1000).toFixed(0)} k events/s, ${(sagas / seconds).toFixed(0)} sagas/s`;
    return [
      `${this.worlds} worlds, ${hours.toFixed(0)} simulated hours, ${sagas.toLocaleString('en')} sagas, ${events.toLocaleString('en')} events, ${this.recoveries} openings of the journal`,
      `${seconds.toFixed(0)} s of CPU: ${rates}, ${(hours * minute).toFixed(1)} simulated hours a CPU-minute, ${((sagas * minute) / 3600).toFixed(1)} at 60 sagas a minute`,
      `faults: ${faults.join(', ')}`,
      `${this.twice} worlds twice, and their traces compared; ${this.violations} violations`,
    ];
  }
}

function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** Simulates worlds for some minutes of processor time; resolves with the exit status. */
export async function simulateWorlds({ minutes, from, hours }: WorldsEffort): Promise<number> {
  const totals = new Totals();
  const names = Object.keys(profiles) as ProfileName[];
  const startedAt = cpuSeconds();
  const ratio = (): number => (cpuSeconds() - startedAt) / (minutes * 60);
  for (let seed = from; ratio() < 1; seed++) {
    const profile = seed % 2 === 0 ? 'all' : (names[((seed - 1) / 2) % names.length] as ProfileName);
    const { load } = drawPlan(seededRandom(seed), profile);
    const world = { seed, profile, hours: hoursOfLoad(load, hours) };
    const report = await simulate(world);
    totals.add(report);
    if (report.violation !== undefined) {
      const again = `makegood simulate --seed ${seed} --profile ${profile} --hours ${world.hours}`;
      console.log([...reportLines(report), again].join('\n'));
    }
    show(totals.bar(ratio()));
    if (seed % twiceEvery !== 0) continue;
    const again = await simulate(world);
    totals.twice++;
    if (again.traceHash === report.traceHash) continue;
    totals.violations++;
    console.log(`seed ${seed}, profile ${profile}: two runs differ, ${report.traceHash} and ${again.traceHash}`);
  }
  show('');
  console.log(totals.lines(cpuSeconds() - startedAt).join('\n'));
  return totals.violations === 0 ? 0 : 1;
}
