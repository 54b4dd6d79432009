/** The TypeScript participant as a process, and `makegood conformance` as its author would run it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { type ConformanceReport, runConformance } from '../../../src/conformance/index.ts';
import { acceptedInput, refusedInput } from '../../integration/conformance/stock.ts';
import { crash, startParticipant } from './participant-process.ts';

const main = join(import.meta.dirname, '../../../src/cli/main.ts');
const command = [process.execPath, join(import.meta.dirname, 'typescript-main.ts')];

let postgres: Service;
let participant: Service;
beforeAll(async () => {
  postgres = await startPostgres();
  participant = await startParticipant(postgres.url, { name: 'typescript', command, database: 'stock' });
}, 60_000);
afterAll(async () => {
  await participant[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function conformance(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'conformance', ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr });
    });
  });
}

function flags(): readonly string[] {
  return [
    `${participant.url}/reserve`,
    '--input',
    JSON.stringify(acceptedInput),
    '--effects',
    `${participant.url}/effects`,
  ];
}

test('participant() behind Node’s HTTP server keeps the protocol, killed at work too', async () => {
  const report = await runConformance({
    url: `${participant.url}/reserve`,
    effectsUrl: `${participant.url}/effects`,
    input: acceptedInput,
    refusedInput,
    restart: async () => crash(participant),
  });
  expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
}, 120_000);

test('makegood conformance: a line a check, the verdict, and exit status 0', async () => {
  const { code, stdout, stderr } = await conformance(...flags(), '--only', 'duplicate-replays', 'refusal-kept');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^✓ once {9}duplicate-replays {13}A call with a key that was answered /);
  expect(stdout).toContain('- form         refusal-kept                  skipped: needs an input that the business');
  expect(stdout).toContain(`\n✓ conforms  ${participant.url}/reserve: 1 passed, 0 failed, 1 skipped\n`);
});

test('makegood conformance: what fails is explained, and exit status 1', async () => {
  const accepted = JSON.stringify(acceptedInput);
  const { code, stdout } = await conformance(...flags(), '--refused-input', accepted, '--only', 'refusal-kept');
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^× form .+\n {4}seen {4}Expected .+ to be answered 409, got 200 \{"reserved":2\}\n {4}look at Undo what .+\n {4}action /,
  );
  expect(stdout).toContain('× fails  ');
});

test('makegood conformance --json: one document', async () => {
  const { code, stdout } = await conformance(...flags(), '--only', 'post-only', '--json');
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as ConformanceReport;
  expect(report).toMatchObject({ verdict: 'conforms', effects: 'counted', results: [{ name: 'post-only' }] });
});

test('makegood conformance --restart: the command kills it and starts it again, and must succeed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-conformance-'));
  const pidFile = join(folder, 'pid');
  const databaseUrl = new URL(postgres.url);
  databaseUrl.pathname = 'stock';
  // The one of the other tests makes room for one whose process the command knows.
  participant.signal('SIGKILL');
  const start = `DATABASE_URL=${databaseUrl.href} PORT=${participant.port} EFFECTS_VIEW=on ${command.join(' ')}`;
  const restart = `kill -9 $(cat ${pidFile}); ${start} > ${folder}/log 2>&1 & echo $! > ${pidFile}`;
  try {
    const first = spawn('sh', [
      '-c',
      `echo $$ > ${pidFile}; export ${start.replace(` ${command[0]}`, `; exec ${command[0]}`)}`,
    ]);
    const ended = once(first, 'exit');
    while ((await fetch(participant.url).catch(() => undefined)) === undefined) await sleep(20);
    const { code, stdout } = await conformance(...flags(), '--restart', restart, '--only', 'restart-keeps');
    expect(stdout).toContain('✓ restart      restart-keeps');
    expect([code, (await ended)[1]]).toEqual([0, 'SIGKILL']);
    const broken = await conformance(...flags(), '--restart', 'exit 7', '--only', 'restart-keeps');
    expect(broken).toMatchObject({ code: 2, stderr: 'error: --restart ended with exit status 7: exit 7\n' });
  } finally {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    await participant.restart();
  }
}, 60_000);

test('makegood conformance: nobody there is exit status 5, a wrong flag 2', async () => {
  const nobody = await conformance('http://127.0.0.1:1/reserve');
  expect(nobody).toMatchObject({ code: 5, stdout: '' });
  expect(nobody.stderr).toMatch(/^error: no participant answers at http:\/\/127\.0\.0\.1:1\/reserve: /);
  for (const wrong of [
    ['--input', '{'],
    ['--input', '@/nowhere'],
    ['--only', 'nope'],
    ['--timeout', 'soon'],
  ]) {
    expect(await conformance(...flags(), ...wrong)).toMatchObject({ code: 2, stdout: '' });
  }
});
