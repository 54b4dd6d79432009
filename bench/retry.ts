/**
 * What a guarded call costs beside its peers: `node retry.ts` (of all), `node retry.ts calls 5` (five rounds of one part).
 * Each case runs in a process of its own, the rounds interleaved; a part is `calls`, `pending` or `claims`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Figures, machine, median, range, saveResults, table } from './report.ts';
import { cases } from './retry-cases.ts';
import { claimants } from './retry-claims.ts';
import { waiters } from './retry-pending.ts';

/** Measures of one process, by name. */
type Sample = Readonly<Record<string, number>>;
type Samples = ReadonlyMap<string, readonly Sample[]>;

interface Part {
  readonly script: string;
  readonly rounds: number;
  /** The arguments of each process of a round; the last but one names the case, the last the system. */
  readonly processes: readonly (readonly string[])[];
  /** The columns: a heading, the measure it shows, and the systems it is divided by. */
  readonly columns: readonly (readonly [heading: string, measure: string, peers: readonly string[]])[];
}

const ofCases = (what: string): string[][] =>
  cases.flatMap(({ name, systems }) => Object.keys(systems).map((system) => [what, name, system]));

const parts: Readonly<Record<string, Part>> = {
  calls: {
    script: 'retry-calls.ts',
    rounds: 5,
    processes: [...ofCases('ns'), ...ofCases('bytes')],
    columns: [
      ['ns a call', 'ns', ['bare loop', 'no breaker', 'no bulkhead', 'no guard', 'cockatiel', 'p-retry']],
      ['bytes a call', 'bytes', []],
    ],
  },
  pending: {
    script: 'retry-pending.ts',
    rounds: 3,
    processes: Object.keys(waiters).map((system) => ['all', '100,000 waiting', system]),
    columns: [
      ['heap each, bytes', 'heap', ['cockatiel']],
      ['RSS rise, MB', 'rss', ['cockatiel']],
      ['to start, ms', 'start', ['makegood']],
      ['drain, CPU ms', 'drain', ['cockatiel', 'makegood']],
    ],
  },
  claims: {
    script: 'retry-claims.ts',
    rounds: 3,
    processes: Object.keys(claimants).map((system) => ['all', '100,000 claims', system]),
    columns: [
      ['ns a claim', 'ns', ['Map']],
      ['bytes a key', 'bytes', ['Map']],
    ],
  },
};

// With a young generation this large nothing is collected while bytes are counted; times would be those of other caches.
const roomyHeap = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

function run(part: Part, args: readonly string[]): Sample | undefined {
  const script = join(import.meta.dirname, part.script);
  const flags = ['--expose-gc', ...(args[0] === 'bytes' ? roomyHeap : [])];
  const child = spawnSync(process.execPath, [...flags, script, ...args], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`${args.join(' · ')} failed: ${child.stderr}`);
  return JSON.parse(child.stdout) as Sample;
}

/** All rounds of a part: by case and system, a sample a round. */
function compare(part: Part, rounds: number): Samples {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const args of part.processes) {
      const key = args.slice(1).join(' · ');
      const measured = run(part, args);
      const list = samples.get(key) ?? [];
      // What two processes of one round measure of one system belongs together.
      list[round] = { ...list[round], ...measured };
      samples.set(key, list);
    }
  }
  return samples;
}

function rowsOf(part: Part, samples: Samples): readonly Figures[] {
  return [...samples.keys()].map((key) => {
    const [name = '', system = ''] = key.split(' · ');
    const of = (which: string, measure: string): readonly number[] =>
      (samples.get(`${name} · ${which}`) ?? []).map((sample) => sample[measure] ?? Number.NaN);
    const cells: Record<string, string> = { case: name, system };
    for (const [heading, measure, peers] of part.columns) {
      cells[heading] = range(of(system, measure));
      const ratios = peers.flatMap((peer) => {
        const theirs = [...samples.keys()].find((other) => other.startsWith(`${name} · ${peer}`));
        if (theirs === undefined || theirs === key) return [];
        const byRound = of(theirs.split(' · ')[1] ?? '', measure);
        const ratio = median(of(system, measure).map((value, round) => value / (byRound[round] ?? Number.NaN)));
        return [`${ratio.toPrecision(2)} × ${peer}`];
      });
      if (peers.length > 0) cells[`${heading}: ratio`] = ratios.join(', ');
    }
    return cells;
  });
}

const [only, rounds] = process.argv.slice(2);
const results: Record<string, unknown> = { machine: machine() };
console.log(machine());
for (const [name, part] of Object.entries(parts)) {
  if (only !== undefined && only !== name) continue;
  const samples = compare(part, rounds === undefined ? part.rounds : Number(rounds));
  results[name] = Object.fromEntries(samples);
  console.log(`\n${name}: median [range], ratios: median of the rounds' ratios\n\n${table(rowsOf(part, samples))}`);
}
saveResults(only === undefined ? 'retry' : `retry-${only}`, results);
