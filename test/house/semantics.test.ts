import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot, readHouse } from './house.ts';

const house = readHouse(projectRoot, ['src', 'test']);

/** Rows of a page, which begin with a sign: what is promised, and, last, `file: the words of the test`. */
function promisesOf(name: string): readonly (readonly [promise: string, test: string])[] {
  const page = readFileSync(join(projectRoot, 'docs/internals', name), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| [§†]/.test(line));
  return rows.map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    return [cells[1] ?? '', cells.at(-2) ?? ''];
  });
}

/** Whether a test file of this name says these words, however its lines are broken. */
function isProved(proof: string): boolean {
  const [file = '', ...words] = proof.split(': ');
  const said = words.join(': ').replaceAll(/['"\\]/g, '');
  return [...house].some(
    ([path, source]) => path.endsWith(`/${file}.test.ts`) && source.replaceAll(/['"\\]/g, '').includes(said),
  );
}

test.each([
  ['semantics.md', 40],
  ['retry.md', 20],
])('each promise of docs/internals/%s has the test that it names', (page, least) => {
  const promises = promisesOf(page);
  expect(promises.length).toBeGreaterThan(least);
  expect(promises.filter(([, proof]) => !isProved(proof))).toEqual([]);
});

test('a promise whose test does not exist is found', () => {
  expect(isProved('cancel: before any step: compensated with reason cancel, nothing is called')).toBe(true);
  expect(isProved('cancel: words that no test says')).toBe(false);
  expect(isProved('nowhere: before any step')).toBe(false);
});
