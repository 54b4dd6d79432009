/**
 * The write-ahead log against the least a durable log can do and against SQLite: `node bench/wal.ts`.
 *
 * Every append is a record of 200 bytes and has a promise of its own, which resolves when the record is durable. So many
 * callers append one after the other; what is in flight together may share a flush, where a system can.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWal } from '../src/wal/wal.ts';
import { openBareLog } from './bare-log.ts';
import { machine, median, range, saveResults, table } from './report.ts';

const rounds = Number(process.env['ROUNDS'] ?? 3);
const runMs = Number(process.env['RUN_MS'] ?? 1000);
const depths = [1, 16, 256, 4096];
const payload = new Uint8Array(160).fill(65);
const record = new Uint8Array(200).fill(65);

interface System {
  readonly append: () => Promise<unknown>;
  readonly close: () => unknown;
}

function openSqlite(folder: string): DatabaseSync {
  const database = new DatabaseSync(`${folder}/log.db`);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (id INTEGER PRIMARY KEY, data BLOB)',
  );
  return database;
}

const systems: Readonly<Record<string, (folder: string) => Promise<System> | System>> = {
  makegood: async (folder) => {
    const wal = await openWal(folder);
    const entry = { kind: 1, state: 2, timestamp: 1, txId: 'order-00001', stepId: 'step1', payload };
    return { append: () => wal.append([entry]), close: () => wal.close() };
  },
  'bare log': (folder) => {
    const log = openBareLog(`${folder}/log`, 1 << 29);
    return { append: () => log.append(record), close: () => log.close() };
  },
  'node:sqlite, one transaction a turn': (folder) => {
    const database = openSqlite(folder);
    const insert = database.prepare('INSERT INTO log (data) VALUES (?)');
    let waiting: (() => void)[] = [];
    const commit = (): void => {
      const answered = waiting;
      waiting = [];
      database.exec('BEGIN');
      for (let index = 0; index < answered.length; index++) insert.run(record);
      database.exec('COMMIT');
      for (const resolve of answered) resolve();
    };
    const append = (): Promise<void> =>
      new Promise((resolve) => {
        if (waiting.push(resolve) === 1) setImmediate(commit);
      });
    return { append, close: () => database.close() };
  },
  'node:sqlite, one transaction an append': (folder) => {
    const database = openSqlite(folder);
    const insert = database.prepare('INSERT INTO log (data) VALUES (?)');
    return {
      append: () => {
        insert.run(record);
        return Promise.resolve();
      },
      close: () => database.close(),
    };
  },
};

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuNs: number;
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
  latencies.sort((left, right) => left - right);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    perSecond: (count / elapsedMs) * 1000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuNs: ((user + kernel) * 1000) / count,
  };
}

const results: Record<string, Measured[]> = {};
for (let round = 0; round < rounds; round++) {
  for (const depth of depths) {
    // Another one begins each round: what a system leaves for the disk to do falls on the next.
    const names = Object.entries(systems);
    for (const [name, open] of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
      const folder = mkdtempSync('/tmp/makegood-bench-');
      const system = await open(folder);
      (results[`${depth} ${name}`] ??= []).push(await measure(system, depth));
      await system.close();
      rmSync(folder, { recursive: true });
      await sleep(300);
    }
  }
}

const of = (depth: number, name: string, figure: keyof Measured): number[] =>
  (results[`${depth} ${name}`] ?? []).map((measured) => measured[figure]);
const ms = (values: readonly number[]): string => median(values).toFixed(2);
const rows = depths.flatMap((depth) =>
  Object.keys(systems).map((name) => ({
    'in flight': String(depth),
    system: name,
    'appends/s, median [range]': range(of(depth, name, 'perSecond')),
    'p50 / p99 ms': `${ms(of(depth, name, 'p50Ms'))} / ${ms(of(depth, name, 'p99Ms'))}`,
    'CPU ns an append': Math.round(median(of(depth, name, 'cpuNs'))).toLocaleString('en'),
    'makegood is': `${(median(of(depth, 'makegood', 'perSecond')) / median(of(depth, name, 'perSecond'))).toFixed(2)} ×`,
  })),
);

console.log(machine());
console.log(table(rows));
saveResults('wal', { machine: machine(), rounds, runMs, recordBytes: 200, results });
