import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { planted } from '../../scripts/simulate/mutants.ts';
import { mutants } from '../../scripts/simulate/planted-bugs.ts';

test('at least 25 bugs can be planted, each in one place of the sources as they are', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(25);
  for (const mutant of mutants) expect(() => planted(readFileSync(mutant.file, 'utf8'), mutant)).not.toThrow();
});
