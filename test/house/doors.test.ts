import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doorsOf, type ExportsField, findUnfitDoors, findUnmatchedDoors, namesOf, subpathOf } from './doors.ts';
import { projectRoot, readFixture, readHouse } from './house.ts';

const house = readHouse(projectRoot, ['src']);
const fixture = readFixture('doors');

test('a door lists names and nothing else, in under 40 lines', () => {
  expect(findUnfitDoors(house)).toEqual([]);
});

test('package.json opens every door that stands, and no other', () => {
  const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { exports: ExportsField };
  expect(findUnmatchedDoors(house, exports)).toEqual([]);
});

test('each technology of adapters/ has a door of its own', () => {
  const paths = ['src/index.ts', 'src/retry/index.ts', 'src/adapters/redis/index.ts', 'src/retry/inner/index.ts'];
  const doors = doorsOf(new Map(paths.map((path) => [path, ''])));
  expect(doors.map(subpathOf)).toEqual(['.', './retry', './adapters/redis']);
});

test('finds doors that do more than list names', () => {
  expect(findUnfitDoors(fixture)).toEqual([
    'src/index.ts: a door has under 40 lines, this has 40',
    "src/saga/index.ts: only `export { … } from '…'` belongs into a door, found: export * from '         ';",
    'src/saga/index.ts: lists saga more than once',
    'src/saga/index.ts: lists saga more than once',
  ]);
});

test('finds a door that package.json does not open, one that is not there, and conditions in the wrong order', () => {
  const open = {
    '.': { default: './dist/index.js', types: './dist/index.d.ts', 'makegood:source': './src/index.ts' },
    './retry': {
      'makegood:source': './src/retry/index.ts',
      types: './dist/retry/index.d.ts',
      default: './dist/retry/index.js',
    },
    './gone': {
      'makegood:source': './src/gone/index.ts',
      types: './dist/gone/index.d.ts',
      default: './dist/gone/index.js',
    },
    './package.json': './package.json',
  };
  expect(findUnmatchedDoors(fixture, open)).toEqual([
    'package.json: exports lack "./saga", the door src/saga/index.ts',
    'package.json: exports["."] should be, in this order, ' +
      '{"makegood:source":"./src/index.ts","types":"./dist/index.d.ts","default":"./dist/index.js"}',
    'package.json: exports "./gone", but there is no such door in src/',
  ]);
});

test('reads the names of a door, also those it renames', () => {
  expect(namesOf('src/retry/index.ts', fixture.get('src/retry/index.ts') as string)).toEqual([
    { name: 'Attempt', declaredAs: 'Attempt', file: 'src/retry/retry.ts' },
    { name: 'retry', declaredAs: 'retry', file: 'src/retry/retry.ts' },
    { name: 'again', declaredAs: 'retry', file: 'src/retry/retry.ts' },
    { name: 'Try', declaredAs: 'Attempt', file: 'src/retry/retry.ts' },
  ]);
});
