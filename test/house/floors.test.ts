import { expect, test } from 'vitest';
import { findCircles, findFloorBreaches } from './floors.ts';
import { projectRoot, readFixture, readHouse } from './house.ts';

const house = readHouse(projectRoot, ['src']);

test('a folder imports only from strictly lower floors, by the file', () => {
  expect(findFloorBreaches(house)).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(findCircles(house)).toEqual([]);
});

test('finds every import that goes up, sideways, through a door or nowhere', () => {
  expect(findFloorBreaches(readFixture('floors'))).toEqual([
    'src/policy/policy.ts:1: imports the door src/ports/index.ts; inside, import the file that holds the name',
    'src/retry/retry.ts:3: retry (floor 5) imports src/saga/saga.ts (floor 6); only strictly lower floors may be imported',
    'src/retry/retry.ts:4: retry (floor 5) imports src/tempo/tempo.ts (floor 8); only strictly lower floors may be imported',
    'src/saga/saga.ts:1: imports the package by its name ("makegood/policy"); inside, import the file',
    'src/saga/saga.ts:2: imports src/retry/gone.ts, which does not exist',
    'src/shed/tool.ts: room "shed" has no floor; enter it in test/house/floor-plan.ts',
    'src/tempo/tempo.test.ts:2: tempo (floor 8) imports src/cli/main.ts (floor 10); only strictly lower floors may be imported',
    'src/tempo/tempo.ts:1: imports src/adapters/postgres/postgres-journal.ts; only cli/ and users choose an adapter',
    'src/time/sideways.ts:1: time (floor 2) imports src/policy/policy.ts (floor 2); only strictly lower floors may be imported',
    'src/time/upward.ts:2: time (floor 2) imports src/retry/retry.ts (floor 5); only strictly lower floors may be imported',
  ]);
});

test('finds a circle through re-exports and types', () => {
  expect(findCircles(readFixture('circles'))).toEqual([
    'circle: src/wal/a-type.ts → src/wal/a.ts → src/wal/b.ts → src/wal/c.ts → src/wal/a-type.ts',
  ]);
});
