/** `makegood wal …` as a user runs it: processes, files and signals are real. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogReport } from '../../src/cli/wal/survey-log.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { systemCrc32 } from '../../src/ports/system-crc32.ts';
import { sagaIds, writeArchivedJournal } from '../integration/archived-journal.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const writer = fileURLToPath(new URL('../integration/wal-writer.ts', import.meta.url));
const golden = fileURLToPath(new URL('../golden/wal-v1/', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makegood-wal-commands-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function wal(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'wal', ...args], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr });
    });
  });
}

/** A log of version 1 as it was written once, in a place of its own. */
async function goldenLog(): Promise<string> {
  const log = join(folder, 'log');
  await cp(golden, log, { recursive: true });
  return log;
}

async function change(path: string, at: number, bytes: readonly number[]): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Uint8Array.from(bytes), 0, bytes.length, at);
  await file.close();
}

async function contents(log: string): Promise<Record<string, string>> {
  const names = (await readdir(log)).toSorted();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readFile(join(log, name))).toString('base64')] as const)),
  );
}

/** Starts a process that appends until it is killed; resolves once it has begun. */
async function startWriter(log: string): Promise<{ readonly pid: number; readonly kill: () => Promise<void> }> {
  // Into a file: a pipe that is not read in time refuses a synchronous write with EAGAIN.
  const said = await open(`${log}.acknowledged`, 'w');
  const child = spawn(process.execPath, [writer, log, '0', '16'], { stdio: ['ignore', said.fd, 'inherit'] });
  const ended = once(child, 'close');
  while (child.exitCode === null && (await said.stat()).size === 0) await sleep(2);
  await said.close();
  return {
    pid: child.pid ?? 0,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test('a good log: a picture, a verdict and every record, exit status 0, and not a byte is changed', async () => {
  const log = await goldenLog();
  const before = await contents(log);
  const inspected = await wal('inspect', log);
  expect(inspected).toMatchObject({ code: 0, stderr: '' });
  expect(inspected.stdout).toMatch(/0{15}1\.seg {2}█+░+ {2}6\.2 KiB, 2 records in 2 batches from position 12288/);
  expect(inspected.stdout).not.toContain('\u001B');
  expect(await wal('verify', log)).toEqual({
    code: 0,
    stdout: `✓ good  ${log}: 6 records in 2 segments up to position 14504\n`,
    stderr: '',
  });
  const { stdout } = await wal('dump', log, '--from', '4280', '--to', '4456');
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { lsn: 4280, txId: 'order-1', stepId: 'réserve', payload: { text: '漢字 😀' } },
    { lsn: 4344, payload: { base64: 'AP+ABw==' } },
  ]);
  expect(await contents(log)).toEqual(before);
});

test('the records of sagas are printed in their own words, of one saga alone when asked', async () => {
  const log = join(folder, 'sagas');
  {
    await using journal = await openWalJournal(log, { segmentBytes: 65_536 });
    for (const id of ['one', 'two']) {
      const start = { name: 'place-order', version: '1', definition: 'd', steps: ['ship'], input: { id } } as const;
      const records = [{ seq: 1, epoch: journal.epoch, timestamp: 5, type: 'saga-started', ...start }] as const;
      await journal.append(id, records, { epoch: journal.epoch, expectedSeq: 0 });
    }
  }
  const { stdout, code } = await wal('dump', log, '--saga', 'two');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ saga: 'two', seq: 1, type: 'saga-started', input: { id: 'two' } });
  const inspected = await wal('inspect', log);
  expect(inspected.stdout).toContain('sagas    2 live, 0 finished\n  one  place-order running, 1 record, since 1970');
});

test('a damaged archive: exit status 1 with file and place; its other sagas are dumped, and a repair leaves it', async () => {
  const log = join(folder, 'archived');
  await writeArchivedJournal(log, sagaIds(40));
  expect(await wal('verify', log)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ records in \d+ archives\n$/),
  });
  const ofSaga = await wal('dump', log, '--saga', 'saga-00');
  expect(ofSaga).toMatchObject({ code: 0, stdout: expect.stringContaining('"type":"saga-completed"') });
  const [first = ''] = (await readdir(join(log, 'archive'))).toSorted();
  const file = join(log, 'archive', first);
  await change(file, 260, [255, 255, 255]);
  const verified = await wal('verify', log);
  expect(verified).toMatchObject({ code: 1, stdout: expect.stringContaining(`× damage ${file} at byte 128: `) });
  const dumped = await wal('dump', log, '--archive');
  expect(dumped).toMatchObject({ code: 1, stderr: expect.stringContaining(`× damage ${file} at byte 128: `) });
  expect(dumped.stdout).toContain('"saga":"saga-39"');
  const repaired = await wal('repair', '--yes', log);
  expect(repaired).toMatchObject({ code: 1, stdout: expect.stringContaining(`× left  ${file}: damaged or missing`) });
});

test('a damaged log: named with place and reason, exit status 1; repaired only when told, the original kept', async () => {
  const log = await goldenLog();
  const segment = join(log, '0000000000000000.seg');
  const [byte = 0] = (await readFile(segment)).subarray(4300, 4301);
  await change(segment, 4300, [byte ^ 4]);
  const before = await contents(log);
  const verified = await wal('verify', log, '--json');
  const report = JSON.parse(verified.stdout) as LogReport;
  expect({ code: verified.code, verdict: report.verdict, damages: report.damages.length }).toEqual({
    code: 1,
    verdict: 'damaged',
    damages: 1,
  });
  expect(report.damages[0]).toMatchObject({ file: segment, offset: 4216, readableAfter: 4392 });
  expect((await wal('dump', log)).stderr).toContain(`× damage ${segment} at byte 4216: the checksum`);
  const dry = await wal('repair', '--dry-run', log);
  expect(dry.code).toBe(1);
  expect(dry.stdout).toContain('→ would  0000000000000000.seg at byte 4300: bit 2 of byte 4300, flipped back');
  expect(await contents(log)).toEqual(before);
  const repaired = await wal('repair', '--yes', log);
  expect(repaired).toMatchObject({ code: 0, stdout: expect.stringContaining('✓ good') });
  expect((await readdir(log)).filter((name) => name.startsWith('damaged-'))).toHaveLength(1);
  expect((await wal('verify', log)).code).toBe(0);
});

test('while a writer runs: read without its lock, never a false alarm; repair is refused, exit status 4', async () => {
  const log = join(folder, 'busy');
  const busy = await startWriter(log);
  let alarms = 0;
  let records = 0;
  try {
    for (let turn = 0; turn < 3; turn++) {
      const { code, stdout } = await wal('verify', log, '--json');
      const report = JSON.parse(stdout) as LogReport;
      if (code !== 0) alarms++;
      expect(report.records).toBeGreaterThan(records);
      records = report.records;
      if (process.platform === 'linux')
        expect(report.lock).toMatchObject({ state: 'held', by: expect.stringContaining(`process ${busy.pid} `) });
    }
    expect(alarms).toBe(0);
    await writeFile(join(log, 'torn.unfinished'), 'x');
    const repair = await wal('repair', '--yes', log);
    expect(repair).toMatchObject({ code: 4, stderr: expect.stringContaining(`locked by process ${busy.pid}`) });
  } finally {
    await busy.kill();
  }
  const after = JSON.parse((await wal('verify', log, '--json')).stdout) as LogReport;
  expect(after).toMatchObject({ verdict: 'good', lock: { state: process.platform === 'linux' ? 'free' : 'unknown' } });
  expect(after.records).toBeGreaterThanOrEqual(records);
}, 90_000);

test('paths that lead to no log, and logs of a newer version, are told apart', async () => {
  const log = await goldenLog();
  await mkdir(join(folder, 'empty'));
  const cases: readonly [path: string, code: number, says: string][] = [
    [join(folder, 'nowhere'), 3, `"${join(folder, 'nowhere')}" is not there`],
    [join(folder, 'empty'), 3, 'no write-ahead log in'],
    [join(log, 'JOURNAL'), 2, 'is a file; name the folder of a log'],
  ];
  for (const [path, code, says] of cases)
    for (const command of ['inspect', 'verify', 'dump', 'repair'])
      expect(await wal(command, path)).toEqual({ code, stdout: '', stderr: expect.stringContaining(says) });
  const journal = await readFile(join(log, 'JOURNAL'));
  journal.writeUInt32LE(2, 8);
  journal.writeUInt32LE(systemCrc32(journal.subarray(0, 60)), 60);
  await writeFile(join(log, 'JOURNAL'), journal);
  expect(await wal('verify', log)).toMatchObject({ code: 5, stderr: expect.stringContaining('of format version 2') });
});

test.each([
  [['verify'], "missing required argument 'path'"],
  [['dump', 'x', '--from', '-1'], 'Expected --from to be a position in the log'],
  [['dump', 'x', '--from', '9', '--to', '8'], 'Expected --to to be at least --from (9), got 8'],
  [['repair', 'x', '--yes', '--dry-run'], 'either --dry-run or --yes'],
  [['mend', 'x'], "unknown command 'mend'"],
])('wrong usage is exit status 2: %j', async (args, says) => {
  expect(await wal(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) });
});

test('whoever stops reading early ends a dump without a complaint', async () => {
  const log = join(folder, 'long');
  const busy = await startWriter(log);
  await wal('verify', log);
  await busy.kill();
  const child = spawn(process.execPath, [main, 'wal', 'dump', log], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complained = '';
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await once(child, 'close');
  expect(complained).toBe('');
}, 60_000);
