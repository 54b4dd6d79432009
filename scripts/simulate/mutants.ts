/** Known bugs, planted one at a time in a copy of the sources: the simulation must find each. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hunted, Place } from './hunt.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './planted-bugs.ts';

const root = join(import.meta.dirname, '..', '..');

/** The sources with the bug in them. @throws {Error} when they have changed so that it cannot be planted. */
export function planted(source: string, { name, file, from, to }: Mutant): string {
  if (source.split(from).length !== 2) throw new Error(`"${name}" cannot be planted: ${file} has changed`);
  return source.replace(from, () => to);
}

function run(folder: string, args: readonly string[]): Hunted {
  const { stdout, stderr } = spawnSync(process.execPath, ['scripts/simulate/hunt.ts', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 1_800_000,
  });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return JSON.parse(line) as Hunted;
  const message = stderr.trim().split('\n').at(-1) ?? 'it did not end';
  return { invariant: undefined, message, place: {}, tried: 0 };
}

function huntFor(mutant: Mutant): Hunted {
  const scratch = mkdtempSync(join(tmpdir(), 'makegood-mutant-'));
  try {
    for (const part of ['src', 'scripts/simulate', 'package.json'])
      cpSync(join(root, part), join(scratch, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
    const file = join(scratch, mutant.file);
    writeFileSync(file, planted(readFileSync(file, 'utf8'), mutant));
    return run(scratch, ['--profile', mutant.profile]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The same run of the sources as they are: what is wrong there, too, was not found by the plant. */
function isSoundWithout({ profile }: Mutant, place: Place): boolean {
  const { invariant, tried } = run(root, ['--profile', profile, '--place', JSON.stringify(place)]);
  return invariant === undefined && tried === 1;
}

function placeText({ seed, scenario, boundary = 0 }: Place): string {
  if (scenario === undefined) return `seed ${seed}`;
  return boundary === 0 ? scenario : `${scenario}, power cut at ${boundary}`;
}

/** Plants all bugs whose name holds the words, and says what found each, as rows of a table. */
export function plantMutants(words: string): number {
  const chosen = mutants.filter(({ name }) => name.includes(words));
  let escaped = 0;
  console.log('| planted bug | found by | where | CPU s |\n| --- | --- | --- | --- |');
  for (const mutant of chosen) {
    const { invariant, message, place, seconds = 0 } = huntFor(mutant);
    const isFound = invariant !== undefined && isSoundWithout(mutant, place);
    if (!isFound) escaped++;
    const by = isFound ? invariant : `ESCAPED ${invariant === undefined ? message : 'it fails without the bug, too'}`;
    console.log(`| ${mutant.name} | ${by} | ${mutant.profile}, ${placeText(place)} | ${seconds.toFixed(1)} |`);
  }
  console.log(`\n${chosen.length - escaped} of ${chosen.length} planted bugs found`);
  return escaped === 0 ? 0 : 1;
}
