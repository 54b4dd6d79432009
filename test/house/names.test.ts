import { expect, test } from 'vitest';
import { projectRoot, readFixture, readHouse } from './house.ts';
import { findMachinePaths, findSoftSpots, findUnfitFiles } from './names.ts';

const house = readHouse(projectRoot, ['src', 'test', 'examples', 'scripts', 'bench']);
const texts = readHouse(projectRoot, ['.'], /(?<!package-lock)\.(?:ts|js|json|md|sh|yml|yaml|txt)$|^\.ci\//);
const fixture = readFixture('names');

test('files are named in kebab-case for what is in them, and none has more than 320 lines', () => {
  expect(findUnfitFiles(house)).toEqual([]);
});

test('nothing is left unfinished, hushed without a reason, or switched off', () => {
  expect(findSoftSpots(house)).toEqual([]);
});

test('no text of the repository names a path of one machine', () => {
  expect(findMachinePaths(texts)).toEqual([]);
});

test('finds names that say nothing, other cases, and a file of 321 lines', () => {
  expect(findUnfitFiles(fixture)).toEqual([
    'src/retry/helpers.ts: "helpers" says nothing about what is in it',
    'src/utils/retryLoop.ts: a file is named in kebab-case',
    'src/utils/retryLoop.ts: "utils" says nothing about what is in it',
    'src/wal/long-file.ts: has 321 lines, over 320; split it by idea',
  ]);
});

test('finds each soft spot, and takes neither text nor a given reason for one', () => {
  expect(findSoftSpots(fixture)).toEqual([
    'src/utils/retryLoop.ts:1: TODO: finish it, or leave it out',
    'src/utils/retryLoop.ts:3: @ts-ignore: say in types what is meant',
    'src/utils/retryLoop.ts:5: @ts-expect-error: say beside it why the compiler must refuse this',
    'src/utils/retryLoop.ts:9: oxlint-disable: say beside it why (`-- because …`)',
    'src/utils/retryLoop.ts:13: test.skip: let every test run',
    'src/utils/retryLoop.ts:4: as any: name the type, or take unknown',
    'src/utils/retryLoop.ts:10: any: name the type, or take unknown',
    'src/utils/retryLoop.ts:10: <any>: name the type, or take unknown',
  ]);
});

test('finds the path of a machine, but no path of a URL or a folder of the project', () => {
  const notes = readFixture('names', /\.md$/);
  const found = ['', 'home', 'ada'].join('/');
  expect(findMachinePaths(notes)).toEqual([`docs/notes.md:1: ${found}: a path of one machine`]);
});
