import { join } from 'node:path';
import { expect, test } from 'vitest';
import { declarationsOf } from './declarations.ts';
import { findUndocumented } from './docstrings.ts';
import { type Example, examplesOf, moduleOf } from './examples.ts';
import { type House, projectRoot, readFixture, readHouse } from './house.ts';
import { failingExamples } from './run-examples.ts';

const house = readHouse(projectRoot, ['src']);

/** The examples of a house, each once, and the door (absolute) of each name. */
function examplesIn(root: string, from: House): { examples: Example[]; doors: Map<string, string> } {
  const declarations = declarationsOf(from);
  const all = declarations.flatMap(examplesOf);
  const examples = all.filter(({ title }, index) => all.findIndex((other) => other.title === title) === index);
  const doors = new Map(
    declarations.map(({ name, subpath }) => [name, join(root, 'src', subpath.slice(1), 'index.ts')]),
  );
  return { examples, doors };
}

test('every name of a door is documented, every function and class with an example', () => {
  expect(findUndocumented(house)).toEqual([]);
});

test('every example runs, and its values are as it says', () => {
  const { examples, doors } = examplesIn(projectRoot, house);
  const running = examples.filter(({ runs }) => runs);
  expect(failingExamples(running, doors)).toEqual([]);
});

test('these examples alone are not run, because they need a world that a test has not', () => {
  const { examples } = examplesIn(projectRoot, house);
  expect(examples.filter(({ runs }) => !runs).map(({ title }) => title)).toEqual([
    'src/adapters/kafka/kafka-broker.ts kafkaBroker #1',
    'src/adapters/kafka/kafka-saga-first-store.ts openKafkaSagaFirstStore #1',
    'src/adapters/nats/nats-broker.ts natsBroker #1',
    'src/adapters/nats/nats-saga-first-store.ts openNatsSagaFirstStore #1',
    'src/adapters/node/policy-file.ts watchPolicies #1',
    'src/adapters/node/token-file.ts tokenFile #1',
    'src/adapters/postgres/postgres-saga-first-store.ts openPostgresSagaFirstStore #1',
    'src/adapters/postgres/journal/open-postgres-journal.ts openPostgresJournal #1',
    'src/adapters/postgres/schema/migrate.ts migratePostgres #1',
  ]);
});

test('finds what is not documented', () => {
  expect(findUndocumented(readFixture('docstrings'))).toEqual([
    'src/retry/retry.ts:1: bare has no docstring',
    'src/retry/retry.ts:4: callMe has no @example',
    'src/retry/retry.ts:0: gone is listed by a door but not declared in this file',
    'src/retry/retry.ts:7: lowercase has a docstring that does not begin with a sentence',
    'src/retry/retry.ts:10: mute has a docstring that does not begin with a sentence',
    'src/retry/retry.ts:23: unended has a docstring whose first sentence does not end',
  ]);
});

test('tells examples that run from those marked no-run', () => {
  const retry = declarationsOf(readFixture('docstrings')).filter(({ name }) => name === 'retry');
  expect(retry.flatMap(examplesOf)).toEqual([
    { title: 'src/retry/retry.ts retry #1', code: 'retry(1) // => 2', runs: true },
    { title: 'src/retry/retry.ts retry #2', code: 'retry(await fromTheNetwork());', runs: false },
  ]);
});

test('finds an example whose value is wrong, that throws, and that never ends', () => {
  const { examples, doors } = examplesIn(join(import.meta.dirname, 'fixtures/examples'), readFixture('examples'));
  const failing = failingExamples(examples, doors, { patienceMs: 300 }).map((text) => text.split('\n')[0]);
  expect(failing).toEqual([
    'src/sum/sum.ts sum #2: AssertionError: Expected values to be strictly deep-equal:',
    'src/sum/sum.ts sum #4: ReferenceError: notListed is not defined',
    'src/sum/sum.ts sum #5: Error: did not end within 300 ms',
  ]);
});

test('imports the names of doors that an example uses, and none that it declares', () => {
  const doors = new Map([
    ['a', '/src/a/index.ts'],
    ['b', '/src/b/index.ts'],
    ['c', '/src/c/index.ts'],
  ]);
  expect(moduleOf("const b = a('c'); x.c", doors).split('\n').slice(1, 3)).toEqual([
    "import { a } from 'file:///src/a/index.ts';",
    '',
  ]);
});
