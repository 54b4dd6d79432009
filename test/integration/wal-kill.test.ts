import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/ports/random.ts';
import { openWal } from '../../src/wal/wal.ts';
import type { WalRecord } from '../../src/wal/wal-record.ts';
import { killEntry, killSegmentBytes } from './wal-kill-entry.ts';

const kills = Number(process.env['MAKEGOOD_WAL_KILLS'] ?? 15);
const writer = fileURLToPath(new URL('./wal-writer.ts', import.meta.url));

interface Acknowledgement {
  readonly number: number;
  readonly lsn: number;
}

/** Lets a process append until it is killed, and keeps what it said was durable. */
async function appendAndKill(
  folder: string,
  first: number,
  inFlight: number,
  afterMs: number,
): Promise<readonly Acknowledgement[]> {
  // Into a file of ours: a pipe that is not read in time refuses a synchronous write with EAGAIN.
  const path = `${folder}.acknowledged`;
  const log = await open(path, 'w');
  const child = spawn(process.execPath, [writer, folder, String(first), String(inFlight)], {
    stdio: ['ignore', log.fd, 'pipe'],
  });
  let complained = '';
  child.stderr?.on('data', (chunk: Buffer) => (complained += chunk.toString()));
  const ended = once(child, 'close');
  while (child.exitCode === null && (await log.stat()).size === 0) await sleep(2);
  await sleep(afterMs);
  child.kill('SIGKILL');
  await ended;
  await log.close();
  const said = await readFile(path, 'utf8');
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complained}`);
  // What stands behind the last line feed was cut off with the process.
  const lines = said.split('\n').slice(0, -1);
  return lines.map((line) => {
    const [number = Number.NaN, lsn = Number.NaN] = line.split(' ').map(Number);
    return { number, lsn };
  });
}

function checkRecord(record: WalRecord, number: number): void {
  const { kind, state, timestamp, txId, stepId, payload } = record;
  const found = { kind, state, timestamp, txId, stepId, payload: new TextDecoder().decode(payload) };
  if (JSON.stringify(found) !== JSON.stringify(sorted(number)))
    throw new Error(`entry ${number} came back as ${JSON.stringify(found)}`);
}

function sorted(number: number): object {
  const { kind, state, timestamp, txId, stepId, payload } = killEntry(number);
  return { kind, state, timestamp, txId, stepId, payload };
}

test(
  `${kills} × kill -9 in the middle of appends: what another process saw acknowledged is there, in order, without a gap`,
  async () => {
    const folder = await mkdtemp(`${tmpdir()}/makegood-kill-`);
    const random = seededRandom(Date.now());
    const positions: number[] = [];
    let acknowledgedInAll = 0;
    try {
      for (let kill = 0; kill < kills; kill++) {
        const inFlight = [1, 4, 64][kill % 3] ?? 1;
        const acknowledged = await appendAndKill(folder, positions.length, inFlight, Math.floor(random() * 120));
        acknowledgedInAll += acknowledged.length;
        const before = [...positions];
        positions.length = 0;
        const wal = await openWal(folder, {
          segmentBytes: killSegmentBytes,
          onRecord: (record) => {
            checkRecord(record, positions.length);
            positions.push(record.lsn);
          },
        });
        expect(positions.slice(0, before.length)).toEqual(before);
        for (const { number, lsn } of acknowledged) expect({ number, lsn: positions[number] }).toEqual({ number, lsn });
        // Who recovers appends too, half of the time, so that a kill also meets a log that others have written to.
        if (kill % 2 === 0) positions.push(await wal.append([killEntry(positions.length)]));
        await wal.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    expect(acknowledgedInAll).toBeGreaterThan(kills);
  },
  10_000 + kills * 4000,
);

test('a second opener in another process is refused while the first appends, and the log does not suffer', async () => {
  const folder = await mkdtemp(`${tmpdir()}/makegood-kill-`);
  const wal = await openWal(folder, { segmentBytes: killSegmentBytes });
  try {
    await wal.append([killEntry(0)]);
    const child = spawn(process.execPath, [writer, folder, '1', '1'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let complained = '';
    child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(complained).toContain(`locked by process ${process.pid} since`);
    await expect(openWal(folder)).rejects.toMatchObject({ code: 'MAKEGOOD_FILE_LOCKED' });
    const lsn = await wal.append([killEntry(1)]);
    checkRecord(await wal.readAt(lsn), 1);
  } finally {
    await wal.close();
    await rm(folder, { recursive: true, force: true });
  }
});
