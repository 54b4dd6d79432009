/**
 * Durable sagas of three steps, each case in a process of its own, rounds interleaved: `node sagas.ts`.
 *
 * Steps do nothing, so what is measured is the cost of durability and of the engine alone, with callers in lock-step:
 * the best case of group commit. Every case makes the start, three steps and the end durable before it goes on.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openBareLog } from './bare-log.ts';
import { type Figures, machine, median, range, saveResults, table } from './report.ts';

type RunSaga = (id: string) => Promise<void>;
interface Engine {
  run: RunSaga;
  close(): Promise<void> | void;
}

const input = { sku: 'tea-earl-grey', quantity: 3, customer: 17_850, country: 'United Kingdom', note: 'x'.repeat(110) };

function compensate(): void {}

/** What a hand-written log would keep of each part: the input at the start, an output a step, the end. */
function recordOf(id: string, part: number): object {
  const at = Date.now();
  if (part === 0) return { id, seq: part, type: 'started', at, input };
  return part === 4
    ? { id, seq: part, type: 'completed', at }
    : { id, seq: part, type: 'confirmed', at, output: { id: 'r-1' } };
}

const engines: Record<string, (folder: string) => Promise<Engine>> = {
  makegood: async (folder) => {
    const [{ openWalJournal }, { openTempo }, { saga }] = await Promise.all([
      import('../dist/journal/index.js'),
      import('../dist/tempo/index.js'),
      import('../dist/saga/index.js'),
    ]);
    const definition = saga('bench')
      .input<typeof input>()
      .step('reserve', { run: async () => ({ id: 'r-1' }), compensate })
      .step('charge', { run: async () => ({ id: 'c-1' }), compensate })
      .step('ship', { run: async () => ({ id: 's-1' }), compensate })
      .output();
    const tempo = await openTempo({ journal: await openWalJournal(folder), sagas: [definition] });
    return {
      run: async (id) => {
        const run = await tempo.start(definition, { id, input });
        await run.result();
      },
      close: () => tempo.close(),
    };
  },
  // 5 records a saga: start, three steps, end. The engine above needs 8, in 4 flushes.
  'bare log (the bound)': async (folder) => {
    const log = openBareLog(join(folder, 'bare.log'), 768 << 20);
    return {
      run: async (id) => {
        for (let part = 0; part < 5; part++) await log.append(Buffer.from(JSON.stringify(recordOf(id, part))));
      },
      close: () => log.close(),
    };
  },
  'node:sqlite, commit a record': async (folder) => {
    const { insert, database } = openSqlite(folder);
    return {
      run: async (id) => {
        for (let part = 0; part < 5; part++) {
          insert.run(id, part, JSON.stringify(recordOf(id, part)));
          await Promise.resolve();
        }
      },
      close: () => database.close(),
    };
  },
  'node:sqlite, commit a turn': async (folder) => {
    const { insert, database } = openSqlite(folder);
    let waiting: (() => void)[] = [];
    const commit = (): void => {
      const waiters = waiting;
      waiting = [];
      database.exec('COMMIT');
      for (const resolve of waiters) resolve();
    };
    const append = (id: string, part: number): Promise<void> =>
      new Promise((resolve) => {
        if (waiting.length === 0) {
          database.exec('BEGIN');
          setImmediate(commit);
        }
        waiting.push(resolve);
        insert.run(id, part, JSON.stringify(recordOf(id, part)));
      });
    return {
      run: async (id) => {
        for (let part = 0; part < 5; part++) await append(id, part);
      },
      close: () => database.close(),
    };
  },
};

function openSqlite(folder: string) {
  const database = new DatabaseSync(join(folder, 'journal.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE journal (id TEXT, seq INTEGER, body TEXT, PRIMARY KEY (id, seq)) WITHOUT ROWID');
  return { database, insert: database.prepare('INSERT INTO journal VALUES (?, ?, ?)') };
}

interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicros: number;
}

async function measure(run: RunSaga, inFlight: number, seconds: number, prefix: string): Promise<Measured> {
  const latencies: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  const cpu = process.cpuUsage();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      await run(`${prefix}-${next++}`);
      latencies.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const elapsedMs = performance.now() - startedMs;
  const used = process.cpuUsage(cpu);
  latencies.sort((left, right) => left - right);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const cpuMicros = (used.user + used.system) / latencies.length;
  return { perSecond: (latencies.length / elapsedMs) * 1000, p50: at(0.5), p99: at(0.99), cpuMicros };
}

async function oneCase(name: string, inFlight: number, seconds: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-bench-'));
  try {
    const open = engines[name];
    if (open === undefined) throw new RangeError(`Expected a case of ${Object.keys(engines).join(', ')}, got ${name}`);
    const engine = await open(folder);
    await measure(engine.run, inFlight, 1, 'warm');
    const measured = await measure(engine.run, inFlight, seconds, 'run');
    await engine.close();
    return measured;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function inChild(name: string, inFlight: number, seconds: number): Measured {
  const child = spawnSync(process.execPath, [import.meta.filename, '--case', name, String(inFlight), String(seconds)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`the case "${name}" failed`);
  return JSON.parse(child.stdout) as Measured;
}

function main(): void {
  const rounds = Number(process.env['ROUNDS'] ?? 3);
  const seconds = Number(process.env['SECONDS'] ?? 3);
  const results = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    for (const inFlight of [1, 64, 1000]) {
      for (const name of Object.keys(engines)) {
        const key = `${name}|${inFlight}`;
        process.stderr.write(`round ${round + 1} of ${rounds}: ${name}, ${inFlight} in flight\n`);
        results.set(key, [...(results.get(key) ?? []), inChild(name, inFlight, seconds)]);
      }
    }
  }
  report(results);
}

function report(results: ReadonlyMap<string, readonly Measured[]>): void {
  const rows: Figures[] = [...results].map(([key, runs]) => {
    const [engine = '', inFlight = ''] = key.split('|');
    const bound = results.get(`bare log (the bound)|${inFlight}`) ?? [];
    const ratios = runs.map((run, round) => run.perSecond / (bound[round]?.perSecond ?? Number.NaN));
    return {
      'in flight': inFlight,
      engine,
      'sagas/s': range(runs.map((run) => run.perSecond)),
      'of the bound': median(ratios).toFixed(2),
      'p50 ms': median(runs.map((run) => run.p50)).toFixed(2),
      'p99 ms': median(runs.map((run) => run.p99)).toFixed(2),
      'CPU µs a saga': median(runs.map((run) => run.cpuMicros)).toFixed(0),
    };
  });
  console.log(machine());
  console.log(table(rows));
  saveResults('sagas', { machine: machine(), results: Object.fromEntries(results) });
}

if (process.argv[2] === '--case') {
  const [name = '', inFlight, seconds] = process.argv.slice(3);
  process.stdout.write(JSON.stringify(await oneCase(name, Number(inFlight), Number(seconds))));
} else {
  main();
}
