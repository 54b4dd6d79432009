/** Known bugs, planted one at a time in a copy of the sources: the torture must find each. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutant, mutants } from './planted-bugs.ts';

const root = join(import.meta.dirname, '..', '..');

/** The sources with the bug in them. @throws {Error} when they have changed so that it cannot be planted. */
export function planted(source: string, { name, file, from, to }: Mutant): string {
  if (source.split(from).length !== 2) throw new Error(`"${name}" cannot be planted: ${file} has changed`);
  return source.replace(from, () => to);
}

function tortureWith(mutant: Mutant): { readonly found: string | undefined; readonly seconds: number } {
  const scratch = mkdtempSync(join(tmpdir(), 'makegood-mutant-'));
  try {
    for (const part of ['src', 'scripts', 'test/property', 'test/integration', 'package.json'])
      cpSync(join(root, part), join(scratch, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
    const file = join(scratch, mutant.file);
    writeFileSync(file, planted(readFileSync(file, 'utf8'), mutant));
    const startedMs = performance.now();
    const args = ['scripts/torture-wal.ts', '--short', '--memory', '--fail-fast'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: scratch,
      encoding: 'utf8',
      timeout: 180_000,
    });
    const seconds = (performance.now() - startedMs) / 1000;
    if (status === 0) return { found: undefined, seconds };
    const [, by, violation] = /^RED .*? s {2}([^\n;]*)[^\n]*\n {6}([^\n]*)/m.exec(stdout) ?? [];
    const ended =
      stderr
        .trim()
        .split('\n')
        .find((line) => line.includes('Error')) ?? 'it did not end';
    return { found: by === undefined ? ended : `${by}: ${violation}`, seconds };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Plants all bugs whose name holds the words, and says which torture found each. */
export function plantMutants(words: string): number {
  let escaped = 0;
  const chosen = mutants.filter(({ name }) => name.includes(words));
  for (const mutant of chosen) {
    const { found, seconds } = tortureWith(mutant);
    if (found === undefined) escaped++;
    console.log(`${found === undefined ? 'ESCAPED' : 'found  '} ${seconds.toFixed(1).padStart(6)} s  ${mutant.name}`);
    if (found !== undefined) console.log(`          ${found.slice(0, 160)}`);
  }
  console.log(`${chosen.length - escaped} of ${chosen.length} planted bugs found`);
  return escaped === 0 ? 0 : 1;
}
