/** Real disks at their limits: one that is full, and logs larger than memory should be. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, open, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMakegoodError } from '../../src/errors.ts';
import { openWal } from '../../src/wal/wal.ts';
import type { WalEntry } from '../../src/wal/wal-record.ts';
import { fillJournal } from './full-journal.ts';
import type { Effort, Tally, Torture } from './tally.ts';

const recoverEntry = fileURLToPath(new URL('recover-large.ts', import.meta.url));

function numbered(number: number, bytes: number): WalEntry {
  return {
    kind: 1,
    state: 0,
    timestamp: number,
    txId: `tx-${number}`,
    stepId: '',
    payload: new Uint8Array(bytes).fill(number),
  };
}

/** A small real file system; `undefined` where this process may not mount one. */
function mountTmpfs(folder: string, mebibytes: number): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return () => void execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
}

async function appendUntilFull(folder: string): Promise<{ readonly acknowledged: number; readonly error: unknown }> {
  const wal = await openWal(folder, {
    segmentBytes: 1024 * 1024,
    observer: ({ type }) => {
      // What waits for room fails when the log is closed.
      if (type === 'wal.exhausted') wal.close().catch(() => undefined);
    },
  });
  let acknowledged = 0;
  try {
    for (;;) {
      await wal.append([numbered(acknowledged, 30_000)]);
      acknowledged++;
    }
  } catch (error) {
    return { acknowledged, error };
  } finally {
    await wal.close().catch(() => undefined);
  }
}

async function countIn(folder: string): Promise<number> {
  let count = 0;
  const wal = await openWal(folder, {
    onRecord: ({ timestamp }) => {
      if (timestamp !== count++) throw new Error(`entry ${timestamp} where ${count - 1} was due`);
    },
  });
  await wal.close();
  return count;
}

async function fullDisk(tally: Tally, effort: Effort): Promise<void> {
  for (const mebibytes of effort === 'short' ? [8] : [3, 5, 8, 13, 64]) {
    const folder = await mkdtemp(`${tmpdir()}/makegood-full-`);
    const unmount = mountTmpfs(folder, mebibytes);
    if (unmount === undefined) {
      tally.skipped.push('a full tmpfs: this process may not mount one (needs root)');
      await rm(folder, { recursive: true });
      return;
    }
    try {
      await tally.try(`a tmpfs of ${mebibytes} MiB runs full`, async () => {
        const ballast = `${folder}/ballast`;
        await writeFile(ballast, new Uint8Array(1024 * 1024 + 70_000));
        const log = `${folder}/log`;
        const { acknowledged, error } = await appendUntilFull(log);
        const isKnown =
          isMakegoodError(error, 'MAKEGOOD_WAL_FAILED') || isMakegoodError(error, 'MAKEGOOD_JOURNAL_FULL');
        if (!isKnown) throw error;
        if (acknowledged === 0) throw new Error('nothing was acknowledged before it was full');
        await rm(ballast);
        const found = await countIn(log);
        if (found < acknowledged) throw new Error(`${acknowledged} were acknowledged and ${found} are there`);
        const more = await openWal(log);
        await more.append([numbered(found, 100)]);
        await more.close();
        if ((await countIn(log)) !== found + 1)
          throw new Error('what was appended after there was space again is lost');
      });
    } finally {
      unmount();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** The same for a journal of sagas, of which those that run must end. */
async function fullJournal(tally: Tally, effort: Effort): Promise<void> {
  for (const mebibytes of effort === 'short' ? [4] : [3, 4, 6, 9]) {
    const folder = await mkdtemp(`${tmpdir()}/makegood-full-journal-`);
    const unmount = mountTmpfs(folder, mebibytes);
    if (unmount === undefined) {
      tally.skipped.push('a journal on a full tmpfs: this process may not mount one (needs root)');
      await rm(folder, { recursive: true });
      return;
    }
    try {
      await tally.try(`a journal on a tmpfs of ${mebibytes} MiB`, async () => {
        const ballast = `${folder}/ballast`;
        await writeFile(ballast, new Uint8Array(1024 * 1024 + 70_000));
        tally.notes.push(`${mebibytes} MiB: ${await fillJournal(folder, ballast)} sagas ended before it was full`);
      });
    } finally {
      unmount();
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Writes a log of so many bytes with records of 16 KiB, fast: many in flight. */
async function writeLarge(folder: string, bytes: number): Promise<number> {
  const wal = await openWal(folder);
  let records = 0;
  while (wal.durableLsn < bytes) {
    const batch = Array.from({ length: 256 }, (_, index) => wal.append([numbered(records + index, 16_000)]));
    await Promise.all(batch);
    records += batch.length;
  }
  await wal.close();
  return records;
}

interface Recovered {
  readonly records: number;
  readonly seconds: number;
  readonly rssMiB: number;
}

const rssBoundMiB = 250;

async function large(tally: Tally, effort: Effort): Promise<void> {
  const gibibytes = effort === 'short' ? 0.125 : Number(process.env['MAKEGOOD_WAL_GIB'] ?? 2);
  const bytes = gibibytes * 2 ** 30;
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < 1.5 * bytes) {
    tally.skipped.push(`recovery of ${gibibytes} GiB: no room in ${tmpdir()}`);
    return;
  }
  const folder = await mkdtemp(`${tmpdir()}/makegood-large-`);
  try {
    await tally.try(`recovery of ${gibibytes} GiB within ${rssBoundMiB} MiB`, async () => {
      const written = await writeLarge(folder, bytes);
      const { stdout, stderr, status } = spawnSync(process.execPath, [recoverEntry, folder], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      const { records, seconds, rssMiB } = JSON.parse(stdout) as Recovered;
      if (records !== written) throw new Error(`${records} of ${written} records`);
      tally.notes.push(
        `${gibibytes} GiB: ${seconds.toFixed(1)} s, ${Math.round(bytes / seconds / 1e6)} MB/s, RSS ${Math.round(rssMiB)} MiB`,
      );
      if (rssMiB > rssBoundMiB) throw new Error(`it took ${rssMiB} MiB`);
    });
    await tally.try('damage longer than 64 MiB', async () => {
      const file = await open(`${folder}/0000000000000000.seg`, 'r+');
      await file.write(new Uint8Array(64 * 2 ** 20 - 8192), 0, 64 * 2 ** 20 - 8192, 8192);
      await file.close();
      const second = await open(`${folder}/0000000000000001.seg`, 'r+');
      await second.write(new Uint8Array(32 * 2 ** 20), 0, 32 * 2 ** 20 - 4096, 4096);
      await second.close();
      const opened = await openWal(folder).catch((error: unknown) => {
        if (isMakegoodError(error, 'MAKEGOOD_WAL_CORRUPT')) return undefined;
        throw error;
      });
      await opened?.close();
      if (opened !== undefined) throw new Error('the hole was taken for the end of the log');
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const section = (name: string, run: Torture['run']): Torture => ({ name, inMemory: false, run });

export const diskTortures: readonly Torture[] = [
  section('ENOSPC on a real tmpfs', fullDisk),
  section('a journal on a full tmpfs: new sagas refused, running ones ended', fullJournal),
  section('a large log in bounded memory, damage longer than 64 MiB', large),
];
