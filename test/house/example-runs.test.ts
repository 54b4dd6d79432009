import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot, readHouse } from './house.ts';

const examples = [...readHouse(projectRoot, ['examples'], /\.ts$/)].map(([path, source]) => ({ path, source }));

/** The lines an example promises to print, in order: `// prints: 3 attempts`. */
function promisedLines(source: string): string[] {
  return [...source.matchAll(/\/\/ prints: (?<text>.+)$/gm)].map((match) => match.groups?.['text']?.trim() ?? '');
}

/** Runs an example as a user would from a checkout, in an empty folder that is removed afterwards. */
function run(path: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'makegood-example-'));
  try {
    const args = ['--conditions=makegood:source', join(projectRoot, path)];
    return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.for(examples)('$path runs and prints what it says', ({ path, source }) => {
  const { status, stdout, stderr } = run(path);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  let from = 0;
  for (const line of promisedLines(source)) {
    const at = stdout.indexOf(line, from);
    expect(
      at,
      `expected to print "${line}" after:\n${stdout.slice(0, from)}\nbut printed:\n${stdout.slice(from)}`,
    ).not.toBe(-1);
    from = at + line.length;
  }
});

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(0);
});
