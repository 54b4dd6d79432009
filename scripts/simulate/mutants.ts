/** Known bugs, planted one at a time in a copy of the sources: the simulation must find each. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hunted } from './hunt.ts';
import { type Mutant, mutants } from './planted-bugs.ts';

const root = join(import.meta.dirname, '..', '..');

/** The sources with the bug in them. @throws {Error} when they have changed so that it cannot be planted. */
export function planted(source: string, { name, file, from, to }: Mutant): string {
  if (source.split(from).length !== 2) throw new Error(`"${name}" cannot be planted: ${file} has changed`);
  return source.replace(from, () => to);
}

function huntFor(mutant: Mutant): Hunted {
  const scratch = mkdtempSync(join(tmpdir(), 'makegood-mutant-'));
  try {
    for (const part of ['src', 'scripts/simulate', 'package.json'])
      cpSync(join(root, part), join(scratch, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
    const file = join(scratch, mutant.file);
    writeFileSync(file, planted(readFileSync(file, 'utf8'), mutant));
    const args = ['scripts/simulate/hunt.ts', '--profile', mutant.profile];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: scratch, encoding: 'utf8', timeout: 600_000 });
    const line = stdout.trim().split('\n').at(-1) ?? '';
    if (line.startsWith('{')) return JSON.parse(line) as Hunted;
    const message = stderr.trim().split('\n').at(-1) ?? 'it did not end';
    return { invariant: undefined, message, where: '', tried: 0 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Plants all bugs whose name holds the words, and says what found each, as rows of a table. */
export function plantMutants(words: string): number {
  const chosen = mutants.filter(({ name }) => name.includes(words));
  let escaped = 0;
  console.log('| planted bug | found by | where | CPU s |\n| --- | --- | --- | --- |');
  for (const mutant of chosen) {
    const { invariant, message, where, seconds = 0 } = huntFor(mutant);
    if (invariant === undefined) escaped++;
    const by = invariant ?? `ESCAPED ${message}`;
    console.log(`| ${mutant.name} | ${by} | ${mutant.profile}, ${where} | ${seconds.toFixed(1)} |`);
  }
  console.log(`\n${chosen.length - escaped} of ${chosen.length} planted bugs found`);
  return escaped === 0 ? 0 : 1;
}
