/** Real processes on a real disk: killed, doubled, and in each other's way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { auditLog } from '../../src/cli/wal/log-audit.ts';
import { isMakegoodError } from '../../src/errors.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { systemFiles } from '../../src/ports/system-files.ts';
import { openWal } from '../../src/wal/wal.ts';
import { killEntry, killSegmentBytes } from '../../test/integration/wal-kill-entry.ts';
import type { Effort, Tally, Torture } from './tally.ts';

const writer = fileURLToPath(new URL('../../test/integration/wal-writer.ts', import.meta.url));

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(`${tmpdir()}/makegood-torture-`);
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.acknowledged`, { force: true });
  }
}

interface Running {
  readonly child: ChildProcess;
  /** Ends it at once and gives the lines it had said: `number lsn`. */
  readonly kill: () => Promise<readonly (readonly number[])[]>;
}

/** Starts a process that appends for ever; what it says is kept outside of it. */
async function startWriter(folder: string, first: number, inFlight: number): Promise<Running> {
  const path = `${folder}.acknowledged`;
  const log = await open(path, 'w');
  const child = spawn(process.execPath, [writer, folder, String(first), String(inFlight)], {
    stdio: ['ignore', log.fd, 'inherit'],
  });
  const ended = once(child, 'close');
  while (child.exitCode === null && (await log.stat()).size === 0) await sleep(2);
  if (child.exitCode !== null) throw new Error(`the writer ended by itself with ${child.exitCode}`);
  const kill = async (): Promise<readonly (readonly number[])[]> => {
    child.kill('SIGKILL');
    await ended;
    await log.close();
    // What stands behind the last line feed was cut off with the process.
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line) => line.split(' ').map(Number));
  };
  return { child, kill };
}

/** Positions of all entries, each of which must be the one that its number says. */
async function positionsIn(folder: string): Promise<readonly number[]> {
  const positions: number[] = [];
  const wal = await openWal(folder, {
    segmentBytes: killSegmentBytes,
    onRecord: ({ lsn, txId, payload }) => {
      const wanted = killEntry(positions.length);
      if (txId !== wanted.txId || new TextDecoder().decode(payload) !== wanted.payload)
        throw new Error(`entry ${positions.length} came back as ${txId}`);
      positions.push(lsn);
    },
  });
  await wal.close();
  return positions;
}

async function kills(tally: Tally, effort: Effort): Promise<void> {
  const random = seededRandom(Date.now() >>> 0);
  let acknowledgedInAll = 0;
  await inFolder(async (folder) => {
    let before: readonly number[] = [];
    for (let kill = 0; kill < (effort === 'short' ? 3 : 200); kill++)
      await tally.try(`kill -9 number ${kill + 1}`, async () => {
        const running = await startWriter(folder, before.length, [1, 4, 64][kill % 3] ?? 1);
        await sleep(random() * 120);
        const acknowledged = await running.kill();
        acknowledgedInAll += acknowledged.length;
        const audit = await auditLog(folder, { files: systemFiles });
        if (audit.damages.length > 0) throw new Error(`a kill was taken for damage: ${audit.damages[0]?.what}`);
        const positions = await positionsIn(folder);
        for (const [number = 0, lsn] of acknowledged)
          if (positions[number] !== lsn) throw new Error(`entry ${number} was acknowledged at ${lsn} and is lost`);
        if (before.some((lsn, index) => positions[index] !== lsn)) throw new Error('what was recovered once is lost');
        before = positions;
      });
  });
  tally.notes.push(`${acknowledgedInAll.toLocaleString('en')} appends acknowledged to another process`);
}

async function mustBeRefused(opening: Promise<{ close: () => Promise<void> }>): Promise<void> {
  const opened = await opening.catch((error: unknown) => {
    if (isMakegoodError(error, 'MAKEGOOD_FILE_LOCKED')) return undefined;
    throw error;
  });
  if (opened === undefined) return;
  await opened.close();
  throw new Error('a second opener was let in');
}

/** Opens the log in a worker of this process and says whether it was refused. */
async function openInWorker(folder: string): Promise<string> {
  const code = `import(${JSON.stringify(new URL('../../src/wal/wal.ts', import.meta.url).href)}).then(({ openWal }) =>
    openWal(${JSON.stringify(folder)})).then((wal) => wal.close().then(() => 'opened'), (error) => error.code)
    .then((said) => require('node:worker_threads').parentPort.postMessage(said))`;
  const worker = new Worker(code, { eval: true });
  const [said] = (await once(worker, 'message')) as [string];
  await worker.terminate();
  return said;
}

async function openers(tally: Tally, effort: Effort): Promise<void> {
  for (let turn = 0; turn < (effort === 'short' ? 1 : 10); turn++)
    await inFolder(async (folder) => {
      await tally.try('a second opener in the same process, in a worker, and again after both', async () => {
        const wal = await openWal(folder, { segmentBytes: killSegmentBytes });
        await mustBeRefused(openWal(folder));
        const said = await openInWorker(folder);
        if (said !== 'MAKEGOOD_FILE_LOCKED') throw new Error(`a worker was told "${said}"`);
        await mustBeRefused(openWal(folder));
        await wal.append([killEntry(0)]);
        await wal.close();
        if ((await openInWorker(folder)) !== 'opened') throw new Error('the lock was not given back');
      });
      await tally.try('a second opener in another process; let in as soon as the first was killed', async () => {
        const running = await startWriter(folder, (await positionsIn(folder)).length, 4);
        await mustBeRefused(openWal(folder));
        await running.kill();
        await positionsIn(folder);
      });
      await tally.try('a killed opener whose process number lives again as another process', async () => {
        // What the killed one said of itself: a number that by now belongs to this very process.
        await writeFile(`${folder}/LOCK.holder`, `process ${process.pid} since 2020-01-01T00:00:00.000Z\n`);
        await positionsIn(folder);
      });
    });
}

async function readBesideWriter(tally: Tally, effort: Effort): Promise<void> {
  await inFolder(async (folder) => {
    const running = await startWriter(folder, 0, 16);
    for (let turn = 0; turn < (effort === 'short' ? 5 : 200); turn++)
      await tally.try(`verified beside a running writer, time ${turn + 1}`, async () => {
        const { damages } = await auditLog(folder, { files: systemFiles });
        if (damages.length > 0) throw new Error(`a false alarm: ${damages[0]?.what} in ${damages[0]?.file}`);
      });
    await running.kill();
  });
}

const section = (name: string, run: Torture['run']): Torture => ({ name, inMemory: false, run });

export const processTortures: readonly Torture[] = [
  section('kill -9, acknowledgements kept by another process', kills),
  section('two openers', openers),
  section('verified while a writer runs', readBesideWriter),
];
