/**
 * Opening a log: how fast its records are read back, and how long until the first answer, with a checkpoint and without.
 * The second must not grow with the log. `npm run bench:wal` runs it after `bench/wal.ts`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWal } from '../dist/wal/index.js';
import { type Figures, machine, median, saveResults, table } from './report.ts';

const rounds = Number(process.env['ROUNDS'] ?? 3);
const counts = [10_000, 100_000, 1_000_000];
/** What lives at the time of the checkpoint, and what is appended behind it, whatever the log's length. */
const live = 1000;
const tail = 1000;
const payload = new Uint8Array(160).fill(65);
const entry = { kind: 1, state: 2, timestamp: 1, txId: 'order-1', stepId: '1', payload };

interface Opened {
  readonly openMs: number;
  readonly firstAnswerMs: number;
  readonly records: number;
  readonly bytes: number;
  readonly rssMiB: number;
}

async function fill(folder: string, count: number, withCheckpoint: boolean): Promise<void> {
  await using wal = await openWal(folder);
  for (let done = 0; done < count - tail; done += 1000)
    await Promise.all(Array.from({ length: 1000 }, () => wal.append([entry])));
  if (withCheckpoint)
    await wal.checkpoint(
      wal.point,
      Array.from({ length: live }, () => entry),
    );
  await Promise.all(Array.from({ length: tail }, () => wal.append([entry])));
}

/** In a process of its own: from the call of `openWal` until a record that is appended first is durable. */
async function openAndAnswer(folder: string): Promise<void> {
  let records = 0;
  const startedMs = performance.now();
  const wal = await openWal(folder, { onRecord: () => records++, onCheckpoint: () => records++ });
  const openMs = performance.now() - startedMs;
  await wal.append([entry]);
  const firstAnswerMs = performance.now() - startedMs;
  const rssMiB = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(JSON.stringify({ openMs, firstAnswerMs, records, bytes: wal.recovered.bytes, rssMiB }));
  await wal.close();
}

function open(folder: string): Opened {
  const child = spawnSync(process.execPath, [import.meta.filename, 'open', folder], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Opened;
}

const spread = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} [${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}]`;

async function main(): Promise<void> {
  const rows: Figures[] = [];
  const results: Record<string, Opened[]> = {};
  for (const count of counts)
    for (const withCheckpoint of [false, true]) {
      const folder = mkdtempSync(join(tmpdir(), 'makegood-bench-'));
      try {
        process.stderr.write(`${count} records, ${withCheckpoint ? 'with' : 'without'} a checkpoint\n`);
        await fill(folder, count, withCheckpoint);
        const opened = Array.from({ length: rounds }, () => open(folder));
        results[`${count} ${withCheckpoint ? 'with' : 'without'}`] = opened;
        rows.push({
          'records in the log': count.toLocaleString('en'),
          checkpoint: withCheckpoint ? `of ${live} records, ${tail} behind it` : 'none',
          'first answer ms': spread(
            opened.map((one) => one.firstAnswerMs),
            1,
          ),
          'read MB/s': withCheckpoint
            ? ''
            : spread(
                opened.map((one) => one.bytes / one.openMs / 1000),
                0,
              ),
          'M records/s': withCheckpoint
            ? ''
            : spread(
                opened.map((one) => one.records / one.openMs / 1000),
                2,
              ),
          'RSS MiB': median(opened.map((one) => one.rssMiB)).toFixed(0),
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  console.log(machine());
  console.log(table(rows));
  saveResults('wal-recovery', { machine: machine(), rounds, results });
}

const [role, folder = ''] = process.argv.slice(2);
if (role === 'open') await openAndAnswer(folder);
else await main();
