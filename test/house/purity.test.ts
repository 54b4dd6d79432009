import { expect, test } from 'vitest';
import { projectRoot, readFixture, readHouse } from './house.ts';
import { findNodeReach, findPackageImports, findWorldUses } from './purity.ts';

const house = readHouse(projectRoot, ['src']);
const fixture = readFixture('purity');

test('only ports, adapters, cli, testing and the listener touch clocks, timers, chance, network and the process', () => {
  expect(findWorldUses(house)).toEqual([]);
});

test('the core has no run-time dependency', () => {
  expect(findPackageImports(house)).toEqual([]);
});

test('the lower doors reach no built-in module, so they run in a browser', () => {
  expect(findNodeReach(house)).toEqual([]);
});

test('finds each use of the world, and takes neither text, nor pure functions, nor a parameter for one', () => {
  expect(findWorldUses(fixture)).toEqual([
    'src/retry/impure.ts:2: touches Date; take a clock: Clock',
    'src/retry/impure.ts:6: touches Date; take a clock: Clock',
    'src/retry/impure.ts:8: touches performance; take a clock: Clock',
    'src/retry/impure.ts:3: touches setTimeout; take a clock: Clock',
    'src/retry/impure.ts:4: touches Math.random; take random: Random',
    'src/retry/impure.ts:6: touches crypto; take random: Random',
    'src/retry/impure.ts:7: touches AbortSignal.timeout; use withDeadline and a clock: Clock',
    'src/retry/impure.ts:5: touches fetch; take the function as an option',
    'src/retry/impure.ts:8: touches process; leave it to ports/, adapters/ or cli/',
    'src/retry/impure.ts:1: imports node:fs; take a port instead',
  ]);
});

test('finds a package that the core imports', () => {
  expect(findPackageImports(fixture)).toEqual([
    'src/retry/retry.ts:2: imports the package "lodash"; retry has no run-time dependency',
  ]);
});

test('finds a built-in module behind a door, and the way that leads to it', () => {
  expect(findNodeReach(fixture)).toEqual([
    'src/retry/index.ts must run in a browser but reaches node:fs/promises: ' +
      'src/retry/index.ts → src/retry/retry.ts → src/ports/system-files.ts',
  ]);
});
