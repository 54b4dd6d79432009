import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot, readHouse } from './house.ts';

const house = readHouse(projectRoot, ['test']);
const page = readFileSync(join(projectRoot, 'docs/internals/semantics.md'), 'utf8');

/** Rows of the page: what is promised, and `file: the words of the test`. */
function promisesOf(text: string): readonly (readonly [promise: string, test: string])[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| §'));
  return rows.map((line) => {
    const [, promise = '', proof = ''] = line.split('|').map((cell) => cell.trim());
    return [promise, proof];
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

test('each promise of docs/internals/semantics.md has the test that it names', () => {
  const promises = promisesOf(page);
  expect(promises.length).toBeGreaterThan(40);
  expect(promises.filter(([, proof]) => !isProved(proof))).toEqual([]);
});

test('a promise whose test does not exist is found', () => {
  expect(isProved('cancel: before any step: compensated with reason cancel, nothing is called')).toBe(true);
  expect(isProved('cancel: words that no test says')).toBe(false);
  expect(isProved('nowhere: before any step')).toBe(false);
});
