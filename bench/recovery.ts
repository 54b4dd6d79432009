/**
 * Recovery after a `kill -9`: so many sagas stand in their second step, the process is killed, and a new one opens the
 * log and calls every second step again. `node recovery.ts`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figures, machine, median, saveResults, table } from './report.ts';

const input = { sku: 'tea-earl-grey', quantity: 3, customer: 17_850, country: 'United Kingdom', note: 'x'.repeat(110) };

interface Recovered {
  readonly seconds: number;
  readonly rssMiB: number;
}

async function openBlocked(folder: string, onBlocked: () => void) {
  const [{ openWalJournal }, { openTempo }, { saga }] = await Promise.all([
    import('../dist/journal/index.js'),
    import('../dist/tempo/index.js'),
    import('../dist/saga/index.js'),
  ]);
  const never = new Promise<never>(() => undefined);
  const definition = saga('blocked')
    .input<typeof input>()
    .step('first', { run: async () => ({ id: 'r-1' }), compensate: () => undefined })
    .step('blocked', { run: () => (onBlocked(), never), compensate: () => undefined, timeout: '1h' })
    .output();
  const journal = await openWalJournal(folder);
  const tempo = await openTempo({ journal, sagas: [definition], concurrency: 1_000_000 });
  return { tempo, definition };
}

/** Starts the sagas, says when all are blocked, and waits to be killed. */
async function fill(folder: string, count: number): Promise<void> {
  let blocked = 0;
  const { tempo, definition } = await openBlocked(folder, () => {
    if (++blocked === count) process.stdout.write('blocked\n');
  });
  for (let from = 0; from < count; from += 1000) {
    const ids = Array.from({ length: Math.min(1000, count - from) }, (_, index) => `saga-${from + index}`);
    await Promise.all(ids.map((id) => tempo.start(definition, { id, input })));
  }
}

async function recover(folder: string, count: number): Promise<void> {
  const startedMs = performance.now();
  let blocked = 0;
  await openBlocked(folder, () => {
    if (++blocked < count) return;
    const seconds = (performance.now() - startedMs) / 1000;
    process.stdout.write(JSON.stringify({ seconds, rssMiB: process.memoryUsage().rss / 2 ** 20 }), () =>
      process.exit(0),
    );
  });
}

async function fillAndKill(folder: string, count: number): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, 'fill', folder, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the process to be killed ended by itself with ${code}`)));
  });
  child.kill('SIGKILL');
  await ended;
}

async function round(count: number): Promise<Recovered> {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-recovery-'));
  try {
    await fillAndKill(folder, count);
    const child = spawnSync(process.execPath, [import.meta.filename, 'recover', folder, String(count)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.status !== 0) throw new Error('the recovery failed');
    return JSON.parse(child.stdout) as Recovered;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const rounds = Number(process.env['ROUNDS'] ?? 3);
  const rows: Figures[] = [];
  const results: Record<string, Recovered[]> = {};
  for (const count of [5000, 100_000]) {
    const measured: Recovered[] = [];
    for (let turn = 0; turn < rounds; turn++) {
      process.stderr.write(`round ${turn + 1} of ${rounds}: ${count} sagas\n`);
      measured.push(await round(count));
    }
    const seconds = measured.map((one) => one.seconds);
    results[count] = measured;
    rows.push({
      'sagas in flight': count.toLocaleString('en'),
      'until all go on, s': `${median(seconds).toFixed(2)} [${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}]`,
      'RSS MiB': median(measured.map((one) => one.rssMiB)).toFixed(0),
    });
  }
  console.log(machine());
  console.log(table(rows));
  saveResults('recovery', { machine: machine(), results });
}

const [role, folder = '', count] = process.argv.slice(2);
if (role === 'fill') await fill(folder, Number(count));
else if (role === 'recover') await recover(folder, Number(count));
else await main();
