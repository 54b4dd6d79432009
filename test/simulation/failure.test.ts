/** A bug in the engine, from the run that shows it to the file that keeps it: through the command line, as people do it. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planted } from '../../scripts/simulate/mutants.ts';
import { mutants } from '../../scripts/simulate/planted-bugs.ts';
import { readKept } from '../../src/testing/simulation/kept-world.ts';

const root = join(import.meta.dirname, '..', '..');
const file = 'simulation-network-3.json';
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'makegood-failure-'));
  for (const part of ['src', 'package.json']) cpSync(join(root, part), join(scratch, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
  const mutant = mutants.find(({ name }) => name === 'one attempt too many');
  if (mutant === undefined) throw new Error('Expected the planted bug to be listed');
  const path = join(scratch, mutant.file);
  writeFileSync(path, planted(readFileSync(path, 'utf8'), mutant));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the sources of a folder. */
async function simulate(folder: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [join(folder, 'src/cli/main.ts'), 'simulate', ...args], { cwd: scratch });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += String(chunk);
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout };
}

test('a failing run is made small, drawn, kept in a file, and repeats from it to the bit; without the bug it holds', async () => {
  const first = await simulate(scratch, '--seed', '3', '--profile', 'network', '--hours', '0.05');
  expect(first.exitCode).toBe(1);
  expect(first.stdout).toMatch(/VIOLATED at .*: I8 attempts within the policy/);
  expect(first.stdout).toContain('sequenceDiagram\n');
  expect(first.stdout).toContain(`kept in ${file}`);

  const kept = readKept(readFileSync(join(scratch, file), 'utf8'));
  expect(kept).toMatchObject({ seed: 3, profile: 'network', found: 'I8 attempts within the policy' });
  expect(kept.faults?.length).toBeLessThan(6);

  const [again, once] = [await simulate(scratch, '--replay', file), await simulate(scratch, '--replay', file)];
  expect(again.exitCode).toBe(1);
  expect(again.stdout).toContain(`trace ${kept.traceHash}`);
  expect(again.stdout).toContain('the same run to the bit as when "I8 attempts within the policy" was found');
  expect(once).toEqual(again);

  const mended = await simulate(root, '--replay', file);
  expect(mended).toMatchObject({ exitCode: 0 });
  expect(mended.stdout).toContain('every invariant held');
}, 240_000);
