import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { projectRoot } from '../house/house.ts';

const folder = mkdtempSync(join(tmpdir(), 'makegood-advise-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function advise(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(projectRoot, 'src/cli/main.ts'), 'advise', ...args], { cwd: folder });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

const causal = ['--sla', 'p99<80ms', '--partition', 'cp-ap-fallback', '--semantics', 'causal'];

test('draws the way through the table to the decision, and its budget', async () => {
  const { status, stdout } = await advise(...causal);
  expect(status).toBe(0);
  expect(stdout).toContain('sla p99<80ms · partition cp-ap-fallback · semantics causal');
  expect(stdout).toMatch(/│ ○ in-a-hurry +speed 50ms-or-more\n/);
  expect(stdout).toMatch(/╰─● causal-dependence +semantics causal\n/);
  expect(stdout).toContain('✓ run it as choreography, consistency causal');
  expect(stdout).toContain('budget  3 quorum writes + 3 local writes + 3 calls need 21 ms of 80 ms  ✓ 59 ms to spare');
  expect(stdout).toContain('assumed, not measured: participantP99, quorumP99, fsyncP99, steps');
}, 120_000);

test('a contradiction has the exit status 1, its reason and the nearest offer; --explain names sources and settings', async () => {
  const args = ['--sla', 'p99<80ms', '--partition', 'ap', '--semantics', 'total-order', '--explain'];
  const { status, stdout } = await advise(...args);
  expect(status).toBe(1);
  expect(stdout).toMatch(/├─● ap-total-order/);
  expect(stdout).toContain('What must happen while parts are cut off? ap\n');
  expect(stdout).toContain('source: Gilbert, Lynch, SIGACT News 33(2), 2002');
  expect(stdout).toContain('→ the nearest offer: semantics: causal');
  expect(stdout).toContain('"gapTimeout": "30s"');
}, 120_000);

test('reads YAML and JSON, puts flags over them, and prints one JSON document', async () => {
  writeFileSync(
    join(folder, 'facts.yaml'),
    '# stock\nsla: p99 < 40ms\npartition: cp\nsemantics: total-order\nsteps: 2\n',
  );
  writeFileSync(
    join(folder, 'facts.json'),
    '{ "sla": "p99<40ms", "partition": "cp", "semantics": "total-order", "steps": 2 }',
  );
  for (const file of ['facts.yaml', 'facts.json']) {
    const { status, stdout } = await advise(file, '--json', '--conflict-rate', '0.2');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      given: { steps: 2, conflictRate: 0.2 },
      rule: 'in-a-hurry',
      mode: 'orchestration',
      consistency: 'cp-cached',
      config: { writes: 'semantic-lock' },
      budget: { durableWrites: 3, neededMs: 15 },
    });
  }
}, 120_000);

test('--measure takes the real log and the real way to URLs, and leaves nothing behind', async () => {
  let calls = 0;
  const server = createServer((_, response) => {
    calls++;
    setTimeout(() => response.writeHead(405).end(), 5);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const before = readdirSync(folder);
  const args = [...causal, '--measure', '--samples', '20', '--participant', url, '--peer', url, '--json'];
  const { status, stdout, stderr } = await advise(...args);
  server.close();
  expect([stderr, calls]).toEqual(['', 21]);
  const { measurement, budget, given } = JSON.parse(stdout) as {
    measurement: { log: { samples: number; p99Ms: number }; urls: Record<string, { p50Ms: number }> };
    budget: { assumed: string[]; fits: boolean };
    given: Record<string, string>;
  };
  expect(measurement.log.samples).toBe(20);
  expect(measurement.log.p99Ms).toBeGreaterThan(0);
  expect(measurement.urls[url]?.p50Ms).toBeGreaterThan(4);
  expect(Object.keys(given)).toEqual(['sla', 'partition', 'semantics', 'fsyncP99', 'quorumP99', 'participantP99']);
  expect(budget.assumed).toEqual(['steps']);
  expect(status).toBe(budget.fits ? 0 : 1);
  expect(readdirSync(folder)).toEqual(before);
}, 120_000);
