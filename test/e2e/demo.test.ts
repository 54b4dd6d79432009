/** `makegood demo` as a user runs it: processes, sockets, files and signals are real. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../src/cli/demo/audit.ts';
import { generateOrders } from '../../src/cli/demo/generate-orders.ts';
import { OrderFeed } from '../../src/cli/demo/order-feed.ts';
import type { Order } from '../../src/cli/demo/order.ts';
import { readEvidence } from '../../src/cli/demo/read-evidence.ts';
import type { DemoReport } from '../../src/cli/demo/report.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makegood-e2e-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function environment(): NodeJS.ProcessEnv {
  // Temporary data of the run lands in the test's folder, so that a test can see whether it was removed.
  return { ...process.env, TMPDIR: folder, NO_COLOR: '1' };
}

function makegood(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env: environment() }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr });
    });
  });
}

function makegoodDemo(...args: readonly string[]): Promise<Finished> {
  return makegood('demo', ...args);
}

test('with faults in a fifth of the attempts and five kills nothing is lost, doubled or wrong, and the sums are exact', async () => {
  const { code, stdout, stderr } = await makegoodDemo(
    '--count',
    '150',
    '--seed',
    '1',
    '--fail-rate',
    '0.2',
    '--kill',
    '--json',
  );
  const { input, run, audit: verdict } = JSON.parse(stdout) as DemoReport;
  expect({ code, ok: verdict.ok, findings: verdict.findings }, stderr).toEqual({ code: 0, ok: true, findings: [] });
  expect(run.kills).toBe(5);
  expect(run.interrupted).toBeGreaterThan(5);
  expect(input).toMatchObject({ orders: 150, badRowCount: 0 });
  expect(verdict).toMatchObject({ orders: 150, acknowledged: 150, lost: 0, doubled: 0, wrong: 0, givenUp: 0 });
  expect(verdict.outcomes).toEqual({ completed: verdict.sales.orders, compensated: 150 - verdict.sales.orders });
  expect(verdict.totals.chargedPence).toEqual({
    expected: verdict.sales.pence,
    effects: verdict.sales.pence,
    balance: verdict.sales.pence,
  });
  expect(Object.values(run.faults).every((count) => count > 0)).toBe(true);
  expect(run.sagasPerSecond).toBeGreaterThan(0);
  expect(await readdir(folder)).toEqual([]);
}, 90_000);

test('what is changed in the files after the run is found by the audit: a lost saga, a doubled effect, a penny', async () => {
  const data = join(folder, 'data');
  const { code, stderr } = await makegoodDemo('--count', '20', '--fail-rate', '0', '--data', data);
  expect(code, stderr).toBe(0);
  const orders = generateOrders({ count: 20, seed: 1 });
  const feed = new OrderFeed(orders, 20);
  feed.accepted(orders.map((order) => order.id));
  expect(audit(await readEvidence(data, orders, feed))).toMatchObject({ ok: true, acknowledged: 20 });

  const stranger = { ...(orders[0] as Order), id: '999999' };
  feed.accepted([stranger.id]);
  expect(audit(await readEvidence(data, [...orders, stranger], feed))).toMatchObject({ ok: false, lost: 1 });

  using payment = new DatabaseSync(join(data, 'payment.sqlite'));
  payment.exec(`UPDATE effects SET times = 2 WHERE saga = (SELECT min(saga) FROM effects)`);
  payment.exec('UPDATE balance SET pence = pence + 1');
  const { ok, doubled, totals } = audit(await readEvidence(data, orders, feed));
  expect({ ok, doubled }).toEqual({ ok: false, doubled: 1 });
  expect(totals.chargedPence.balance).toBe(totals.chargedPence.expected + 1);
}, 60_000);

test('more kills than orders still all strike', async () => {
  const { code, stdout } = await makegoodDemo('--count', '2', '--kills', '4', '--fail-rate', '0', '--json');
  const { run, audit: verdict } = JSON.parse(stdout) as DemoReport;
  expect({ code, kills: run.kills, ok: verdict.ok, acknowledged: verdict.acknowledged }).toEqual({
    code: 0,
    kills: 4,
    ok: true,
    acknowledged: 2,
  });
}, 60_000);

test('bad rows are named with their line, counted, and the others are placed; the data can be kept', async () => {
  const file = join(folder, 'orders.csv');
  const data = join(folder, 'kept');
  await writeFile(
    file,
    'InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice\n' +
      '536365,12/1/2010 8:26,17850,United Kingdom,40,3.91\n' +
      '536366,12/1/2010 8:28,17850,United Kingdom,abc,1.85\n' +
      'C536379,12/1/2010 9:41,14527,United Kingdom,-1,27.5\n' +
      '536365,12/1/2010 8:27,17850,United Kingdom,-3,4.8533\n',
  );
  const { code, stdout, stderr } = await makegoodDemo('--orders', file, '--fail-rate', '0', '--data', data);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('orders.csv:3: Quantity: expected an integer, got "abc"');
  expect(stderr).toContain(`the data is in ${data}`);
  expect(stdout).toContain('orders       2 in 3 lines, orders.csv');
  expect(stdout).toContain('bad rows     1, left out');
  // 40 × 3.91 = 156.40; −3 × 4.8533 = −14.5599, which is −14.56.
  expect(stdout).toContain('charged      £141.84, exact');
  expect(stdout).toContain('audit OK');
  expect(await readdir(data)).toEqual(
    expect.arrayContaining(['journal', 'inventory.sqlite', 'payment.sqlite', 'shipping.sqlite']),
  );

  const again = await makegoodDemo('--count', '1', '--data', data);
  expect(again).toMatchObject({ code: 2, stdout: '' });
  expect(again.stderr).toMatch(/^error: Expected --data to be an empty folder, .* holds \d+ entries; name another\n$/);
}, 60_000);

test('a missing file, a missing column, a file without a good row and a bad flag are usage errors: exit 2, one line', async () => {
  const file = join(folder, 'orders.csv');
  const cases: readonly (readonly [string | undefined, readonly string[], RegExp])[] = [
    [
      undefined,
      ['--orders', join(folder, 'none.csv')],
      /^error: Expected --orders to be a file that can be read: ENOENT/,
    ],
    [
      'InvoiceNo,Quantity\n',
      ['--orders', file],
      /^error: orders\.csv:1: expected the columns .*; missing: InvoiceDate/,
    ],
    [
      'InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice\n',
      ['--orders', file],
      /^error: Expected orders\.csv to hold at least one order/,
    ],
    [undefined, ['--fail-rate', '2'], /^error: Expected --fail-rate to be a number from 0 to 1, got "2"\n$/],
    [undefined, ['--no-such-flag'], /^error: unknown option/],
  ];
  for (const [text, args, message] of cases) {
    if (text !== undefined) await writeFile(file, text);
    const { code, stdout, stderr } = await makegoodDemo(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
  }
}, 60_000);

test('--version and --help go to stdout and exit 0; an unknown command exits 2', async () => {
  expect(await makegood('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  expect(await makegoodDemo('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('--fail-rate') });
  expect(await makegood('nonsense')).toMatchObject({ code: 2, stdout: '' });
});

/** From the kernel itself, so that the test needs no tool of the system's. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Starts a long run and waits until all of its processes are there. */
async function startLongRun(): Promise<{
  readonly pid: number;
  readonly children: readonly number[];
  readonly ended: Promise<number | null>;
}> {
  const run = spawn(process.execPath, [main, 'demo', '--count', '100000'], { env: environment(), stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => run.once('exit', resolve));
  const pid = run.pid ?? 0;
  for (;;) {
    const children = await childrenOf(pid);
    if (children.length === 4) return { pid, children, ended };
    await sleep(20);
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await sleep(20);
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 130],
] as const)(
  '%s ends every process, removes the temporary data and exits with %i',
  async (signal, expected) => {
    const { pid, children, ended } = await startLongRun();
    process.kill(pid, signal);
    expect(await ended).toBe(expected);
    await untilGone(children);
    expect(await readdir(folder)).toEqual([]);
  },
  30_000,
);

test('when the command itself is killed with SIGKILL no child outlives it', async () => {
  const { pid, children, ended } = await startLongRun();
  process.kill(pid, 'SIGKILL');
  await ended;
  await untilGone(children);
}, 30_000);

test('a participant that dies by itself fails the run, names it, keeps the data, and leaves no process', async () => {
  const run = spawn(process.execPath, [main, 'demo', '--count', '100000'], {
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  run.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve) => run.once('close', resolve));
  let children: readonly number[] = [];
  while (children.length < 4) children = await childrenOf(run.pid ?? 0);
  process.kill(children[0] ?? 0, 'SIGKILL');
  expect(await ended).toBe(1);
  await untilGone(children);
  expect(stderr).toContain('ended by itself (signal SIGKILL)');
  expect(stderr).toMatch(/the data is in .*makegood-demo-/);
}, 30_000);
