/**
 * Retry storms: 1,000 calls a second, a server that can do 1,200, and a brown-out of twenty seconds, in simulated time:
 * `node storm.ts`. All systems make at most four attempts of a second each. The same seed gives the same storm.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Figures, machine, saveResults, table } from './report.ts';
import { stormChart } from './storm/chart.ts';
import { figuresOf, type StormFigures } from './storm/figures.ts';
import { ourSystems } from './storm/our-systems.ts';
import { peerNames } from './storm/peer-systems.ts';
import { bigStorm, type StormCase, titleOf } from './storm/plan.ts';
import type { Hearing } from './storm/server.ts';
import type { StormTrace } from './storm/simulate.ts';

const hearings: Readonly<Record<Hearing, string>> = {
  notices: 'sees callers leave',
  deadline: 'sees deadlines',
  deaf: 'sees neither',
};

// Only of interest where there are many processes, which have an allowance each.
const smallBucket = 'makegood, budget window 5 s';

const cases: readonly StormCase[] = [
  ...Object.keys(ourSystems)
    .filter((system) => system !== smallBucket)
    .flatMap((system) =>
      (['notices', 'deadline', 'deaf'] as const).map((hearing) => ({ system, hearing, processes: 1 })),
    ),
  { system: 'makegood, default policy', hearing: 'notices', processes: 20 },
  { system: 'makegood, default policy', hearing: 'notices', processes: 100 },
  { system: smallBucket, hearing: 'notices', processes: 1 },
  { system: smallBucket, hearing: 'notices', processes: 20 },
  { system: smallBucket, hearing: 'notices', processes: 100 },
  // What peers send carries no deadline, so a server cannot see it.
  ...peerNames.flatMap((system) =>
    (['notices', 'deaf'] as const).map((hearing) => ({ system, hearing, processes: 1 })),
  ),
];

// What the picture shows: the lines that tell the story.
const drawn = ['makegood retry(), no budget', 'cockatiel 4.0.0 retry', 'makegood, default policy', 'no retry'];

function inProcess({ system, hearing, processes }: StormCase): StormTrace {
  const args = [join(import.meta.dirname, 'storm/case.ts'), system, hearing, String(processes)];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (child.status !== 0) throw new Error(`"${system}" failed: ${child.stderr}`);
  return JSON.parse(child.stdout) as StormTrace;
}

function rowOf(it: StormCase, figures: StormFigures, baseline: StormFigures): Figures {
  const { amplification, peak, recoverySeconds, goodput } = figures;
  return {
    server: hearings[it.hearing],
    system: titleOf(it),
    amplification: amplification.toFixed(2),
    'peak × offered': peak.toFixed(2),
    'recovery s': recoverySeconds === null ? `> ${bigStorm.seconds - bigStorm.toSecond}` : recoverySeconds.toFixed(2),
    'goodput ÷ no retry': (goodput / baseline.goodput).toFixed(2),
  };
}

function main(): void {
  const storms = cases.map((it) => {
    process.stderr.write(`${titleOf(it)}: ${hearings[it.hearing]}\n`);
    const trace = inProcess(it);
    return { it, trace, figures: figuresOf(trace) };
  });
  const baselines = new Map(
    storms.filter(({ it }) => it.system === 'no retry').map(({ it, figures }) => [it.hearing, figures]),
  );
  const byServer = (Object.keys(hearings) as Hearing[]).flatMap((hearing) =>
    storms.filter(({ it }) => it.hearing === hearing),
  );
  const rows = byServer.map(({ it, figures }) => rowOf(it, figures, baselines.get(it.hearing) ?? figures));
  console.log(`${machine()}\n\n${table(rows)}`);
  const lines = drawn.flatMap((system) =>
    storms
      .filter(({ it }) => it.system === system && it.hearing === 'notices' && it.processes === 1)
      .map(({ it, trace }) => ({ title: titleOf(it), attempts: trace.attempts })),
  );
  const plan = { ...bigStorm, hearing: 'notices', processes: 1 } as const;
  const results = storms.map(({ it, figures }) => ({ case: it, figures }));
  const drawnText = lines.map(({ title, attempts }) => ({ title, attempts: attempts.join(' ') }));
  saveResults('storm', { machine: machine(), plan, results, drawn: drawnText });
  writeFileSync(join(import.meta.dirname, '../docs/assets/storm.svg'), stormChart(plan, lines));
}

main();
