/**
 * The write-ahead log beside the least a durable log can do, and beside stores that are used as one: `npm run bench:wal`.
 *
 * So many callers append one after the other; what is in flight together may share a flush, where a system can.
 */
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../scripts/services.ts';
import { machine, median, range, saveResults, table } from './report.ts';
import { postgresConnections, recordBytes, slowDisk, type System, systems } from './wal-systems.ts';

const rounds = Number(process.env['ROUNDS'] ?? 3);
const runMs = Number(process.env['RUN_MS'] ?? 1000);
const depths = [1, 16, 256, 4096];
// Where group commit has to make good for a slow disk; with few in flight it would only show the millisecond.
const slowDiskFrom = 256;
const bound = 'bound: O_DSYNC writes in a loop';

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuNs: number;
}

function percentiles(latencies: number[]): Pick<Measured, 'p50Ms' | 'p99Ms'> {
  latencies.sort((left, right) => left - right);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function measure(system: System, depth: number): Promise<Measured> {
  const latencies: number[] = [];
  let count = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + runMs;
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      await system.append();
      const after = performance.now();
      // One in sixteen is enough for percentiles and keeps the array out of the figures.
      if ((count++ & 15) === 0 || depth === 1) latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: depth }, caller));
  const elapsedMs = performance.now() - start;
  const { user, system: kernel } = process.cpuUsage(cpu);
  const cpuNs = ((user + kernel) * 1000) / count;
  return { perSecond: (count / elapsedMs) * 1000, ...percentiles(latencies), cpuNs };
}

/** The disk's own bound: batches of that many records, no promises, no framing, in a file of zeros. */
function measureBound(folder: string, depth: number): Measured {
  const path = `${folder}/bound`;
  const create = openSync(path, 'w');
  for (let megabyte = 0; megabyte < 64; megabyte++) writeSync(create, new Uint8Array(1 << 20));
  closeSync(create);
  const file = openSync(path, constants.O_RDWR | constants.O_DSYNC);
  const batch = new Uint8Array(depth * recordBytes);
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  let count = 0;
  for (let now = start, at = 0; now - start < runMs; count += depth) {
    writeSync(file, batch, 0, batch.length, at);
    at = (at + batch.length) % ((64 << 20) - batch.length);
    const after = performance.now();
    latencies.push(after - now);
    now = after;
  }
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  closeSync(file);
  return { perSecond: (count / elapsedMs) * 1000, ...percentiles(latencies), cpuNs: ((user + system) * 1000) / count };
}

const postgres = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on' } });
const entries = Object.entries(systems(postgres.url));
const names = [bound, ...entries.map(([name]) => name)];
const results: Record<string, Measured[]> = {};

async function turn(name: string, depth: number): Promise<Measured> {
  const folder = mkdtempSync('/tmp/makegood-bench-');
  try {
    const open = entries.find((entry) => entry[0] === name)?.[1];
    if (open === undefined) return measureBound(folder, depth);
    const system = await open(folder);
    const measured = await measure(system, depth);
    await system.close();
    return measured;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    for (const depth of depths) {
      // Another one begins each round: what a system leaves for the disk to do falls on the next.
      for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
        if (name === slowDisk && depth < slowDiskFrom) continue;
        (results[`${depth} ${name}`] ??= []).push(await turn(name, depth));
        await sleep(200);
      }
    }
  }
} finally {
  await postgres[Symbol.asyncDispose]();
}

const of = (depth: number, name: string, figure: keyof Measured): number[] =>
  (results[`${depth} ${name}`] ?? []).map((measured) => measured[figure]);
const ms = (values: readonly number[]): string => median(values).toFixed(2);

/** How many times as fast makegood is: the median of the rounds' ratios, since rounds differ more than systems do. */
function ratio(depth: number, name: string): string {
  const ours = of(depth, 'makegood', 'perSecond');
  const ratios = of(depth, name, 'perSecond').map((theirs, round) => (ours[round] ?? Number.NaN) / theirs);
  return `${median(ratios).toFixed(2)} ×`;
}

const rows = depths.flatMap((depth) =>
  names
    .filter((name) => of(depth, name, 'perSecond').length > 0)
    .map((name) => ({
      'in flight': depth.toLocaleString('en'),
      system: name,
      'appends/s, median [range]': range(of(depth, name, 'perSecond')),
      'p50 / p99 ms': `${ms(of(depth, name, 'p50Ms'))} / ${ms(of(depth, name, 'p99Ms'))}`,
      'CPU ns an append': Math.round(median(of(depth, name, 'cpuNs'))).toLocaleString('en'),
      'makegood is': ratio(depth, name),
    })),
);

console.log(machine());
console.log(table(rows));
saveResults('wal', { machine: machine(), rounds, runMs, recordBytes, postgresConnections, results });
