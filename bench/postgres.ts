/**
 * Durable sagas of three steps on one PostgreSQL server, each case in a process of its own with a database of its own,
 * rounds interleaved: `node postgres.ts [--seconds 4] [--rounds 3]`.
 *
 * Steps do nothing, so what is measured is the cost of durability and of the engine alone, with callers in lock-step: the
 * best case of group commit. Every case makes the start, three steps and the end durable before it goes on, with `fsync`
 * and `synchronous_commit` on. The server shares the machine with the client.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Client, Pool } from 'pg';
import { startPostgres } from '../scripts/services.ts';
import { type Figures, machine, median, range, saveResults, table } from './report.ts';

function compensate(): void {}

interface Engine {
  run(id: string): Promise<void>;
  close(): Promise<void>;
}

const input = { sku: 'tea-earl-grey', quantity: 3, customer: 17_850, country: 'United Kingdom', note: 'x'.repeat(110) };
const inFlight = [1, 64, 256, 1024];
const systems = ['makegood', 'makegood, one commit an append', 'DBOS 5.3'] as const;
type System = (typeof systems)[number];

async function openMakegood(url: string, maxBatchAppends: number): Promise<Engine> {
  const [{ openPostgresJournal }, { openTempo }, { saga }] = await Promise.all([
    import('../dist/adapters/postgres/index.js'),
    import('../dist/tempo/index.js'),
    import('../dist/saga/index.js'),
  ]);
  const definition = saga('bench')
    .input<typeof input>()
    .step('reserve', { run: async () => ({ id: 'r-1' }), compensate })
    .step('charge', { run: async () => ({ id: 'c-1' }), compensate })
    .step('ship', { run: async () => ({ id: 's-1' }), compensate })
    .output();
  const pool = new Pool({ connectionString: url, max: 12 });
  // Without batches the connection is what waits; four of them are the most that a node takes.
  const appendConnections = maxBatchAppends === 1 ? 4 : 2;
  const journal = await openPostgresJournal({ pool, maxBatchAppends, appendConnections });
  const tempo = await openTempo({ journal, sagas: [definition], concurrency: 2048 });
  return {
    run: async (id) => void (await (await tempo.start(definition, { id, input })).result()),
    close: async () => {
      await tempo.close();
      await pool.end();
    },
  };
}

async function openDbos(url: string): Promise<Engine> {
  const { DBOS } = await import('@dbos-inc/dbos-sdk');
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, logLevel: 'error', runAdminServer: false });
  const step = (name: string, id: string) => DBOS.runStep(async () => ({ id }), { name });
  const order = DBOS.registerWorkflow(
    async (_order: typeof input) => {
      await step('reserve', 'r-1');
      await step('charge', 'c-1');
      return await step('ship', 's-1');
    },
    { name: 'order' },
  );
  await DBOS.launch();
  return {
    run: async (id) => void (await (await DBOS.startWorkflow(order, { workflowID: id })(input)).getResult()),
    close: () => DBOS.shutdown(),
  };
}

function open(system: System, url: string): Promise<Engine> {
  if (system === 'DBOS 5.3') return openDbos(url);
  return openMakegood(url, system === 'makegood' ? 1024 : 1);
}

interface Counters {
  readonly statements: number;
  readonly commits: number;
  readonly fsyncs: number;
}

/** What the server has done so far: for this database, and the syncs of its log, which nobody else writes meanwhile. */
async function countersOf(client: Client): Promise<Counters> {
  const text = `SELECT (SELECT coalesce(sum(calls), 0)::integer FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
      WHERE d.datname = current_database() AND s.toplevel) AS statements,
    (SELECT xact_commit::integer FROM pg_stat_database WHERE datname = current_database()) AS commits,
    (SELECT coalesce(sum(fsyncs), 0)::integer FROM pg_stat_io WHERE object = 'wal') AS fsyncs`;
  await client.query('SELECT pg_stat_force_next_flush()');
  return (await client.query(text)).rows[0] as Counters;
}

interface Round {
  readonly sagasPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly statements: number;
  readonly commits: number;
  readonly fsyncs: number;
  readonly cpuMicros: number;
}

/** One case, in its own process. */
async function measure(system: System, url: string, flight: number, seconds: number): Promise<Round> {
  const engine = await open(system, url);
  const client = new Client({ connectionString: url });
  await client.connect();
  const prefix = randomUUID();
  for (let warm = 0; warm < 20; warm++) await engine.run(`warm-${prefix}-${warm}`);
  // What counters other sessions hold back for a second is not this case's.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const before = await countersOf(client);
  const cpu = process.cpuUsage();
  const latencies: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let number = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const calledMs = performance.now();
      await engine.run(`${prefix}-${number++}`);
      latencies.push(performance.now() - calledMs);
    }
  };
  await Promise.all(Array.from({ length: flight }, caller));
  const elapsedMs = performance.now() - startMs;
  const { user, system: kernel } = process.cpuUsage(cpu);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const after = await countersOf(client);
  await client.end();
  await engine.close();
  latencies.sort((left, right) => left - right);
  const count = latencies.length;
  const per = (what: keyof Counters): number => (after[what] - before[what]) / count;
  return {
    sagasPerSecond: (count / elapsedMs) * 1000,
    p50: latencies[count >> 1] ?? Number.NaN,
    p99: latencies[Math.floor(count * 0.99)] ?? Number.NaN,
    statements: per('statements'),
    commits: per('commits'),
    fsyncs: per('fsyncs'),
    cpuMicros: (user + kernel) / count,
  };
}

function figuresOf(system: System, flight: number, rounds: readonly Round[]): Figures {
  const of = (what: keyof Round): number[] => rounds.map((round) => round[what]);
  const one = (what: keyof Round): string => median(of(what)).toFixed(2);
  return {
    system,
    'in flight': String(flight),
    'sagas/s': range(of('sagasPerSecond')),
    'p50 / p99 ms': `${median(of('p50')).toFixed(1)} / ${median(of('p99')).toFixed(1)}`,
    'statements / commits / syncs a saga': `${one('statements')} / ${one('commits')} / ${one('fsyncs')}`,
    'client CPU µs a saga': String(Math.round(median(of('cpuMicros')))),
  };
}

async function main(seconds: number, rounds: number): Promise<void> {
  const settings = {
    fsync: 'on',
    shared_buffers: '256MB',
    max_wal_size: '4GB',
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.track': 'top',
  };
  await using postgres = await startPostgres({ settings });
  const admin = new Client({ connectionString: postgres.url });
  // When a case fails the server goes before this connection does, and must not hide why.
  admin.on('error', () => undefined);
  await admin.connect();
  const results = new Map<string, Round[]>();
  let databases = 0;
  for (let round = 0; round < rounds; round++) {
    for (const flight of inFlight) {
      for (const system of systems) {
        const database = `bench_${databases++}`;
        await admin.query(`CREATE DATABASE ${database}`);
        const url = postgres.url.replace(/\/postgres$/, `/${database}`);
        const setup = new Client({ connectionString: url });
        await setup.connect();
        await setup.query('CREATE EXTENSION pg_stat_statements');
        await setup.end();
        const args = ['--case', JSON.stringify([system, url, flight, seconds])];
        const child = spawnSync(process.execPath, [import.meta.filename, ...args], { encoding: 'utf8' });
        const line = child.stdout.trim().split('\n').at(-1) ?? '';
        if (child.status !== 0) throw new Error(`${system} at ${flight} failed: ${child.stderr}`);
        const key = `${flight}/${system}`;
        results.set(key, [...(results.get(key) ?? []), JSON.parse(line) as Round]);
        await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
        console.error(key, line);
      }
    }
  }
  await admin.end();
  const rows = inFlight.flatMap((flight) =>
    systems.map((system) => figuresOf(system, flight, results.get(`${flight}/${system}`) ?? [])),
  );
  console.log(`${machine()}; PostgreSQL 18, ${rounds} rounds of ${seconds} s\n\n${table(rows)}`);
  saveResults('postgres', { machine: machine(), rounds, seconds, results: Object.fromEntries(results) });
}

const { values } = parseArgs({
  options: {
    case: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
  },
});
if (values.case === undefined) {
  await main(Number(values.seconds), Number(values.rounds));
} else {
  const [system, url, flight, seconds] = JSON.parse(values.case) as [System, string, number, number];
  console.log(JSON.stringify(await measure(system, url, flight, seconds)));
  process.exit(0);
}
