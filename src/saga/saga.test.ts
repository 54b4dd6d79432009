import { expect, test } from 'vitest';
import { saga } from './saga.ts';

const run = (): number => 1;
const compensate = (): void => undefined;

/** The builder as plain JavaScript sees it: no type stands in the way of a mistake. */
interface AnyBuilder {
  step(name: string, options: unknown): AnyBuilder;
  parallel(branches: unknown): AnyBuilder;
  pivot(name: string, options: unknown): AnyBuilder;
  output(): unknown;
}

function plain(name: string = 'order'): AnyBuilder {
  return saga(name).input();
}

test('steps follow each other, branches of parallel start together, and what follows waits for all of them', () => {
  const definition = saga('order')
    .input<null>()
    .step('a', { run, compensate })
    .parallel({ b: { run, compensate }, c: { run, readOnly: true } })
    .step('d', { run, compensate })
    .pivot('e', { run })
    .step('f', { run })
    .output();
  const edges = definition.steps.map(({ name, after, pivot, afterPivot }) => [name, after, pivot, afterPivot]);
  expect(edges).toEqual([
    ['a', [], false, false],
    ['b', [0], false, false],
    ['c', [0], false, false],
    ['d', [1, 2], false, false],
    ['e', [3], true, false],
    ['f', [4], false, true],
  ]);
});

test('each call gives a new builder: one beginning can have two ends', () => {
  const start = saga('order').input<null>().step('a', { run, compensate });
  const left = start.step('b', { run, compensate }).output();
  const right = start.step('c', { run, compensate }).output();
  expect([left, right].map(({ steps }) => steps.map(({ name }) => name))).toEqual([
    ['a', 'b'],
    ['a', 'c'],
  ]);
});

test('the structural hash changes with names, edges and phases, and with nothing else', () => {
  const base = saga('order').input<null>().step('a', { run, compensate });
  const hash = base.step('b', { run, compensate }).output().hash;
  expect(base.step('b', { run: () => 2, compensate, timeout: '9s' }).output().hash).toBe(hash);
  expect(base.step('c', { run, compensate }).output().hash).not.toBe(hash);
  expect(base.step('b', { run, readOnly: true }).output().hash).not.toBe(hash);
  expect(base.pivot('b', { run }).output().hash).not.toBe(hash);
  expect(
    saga('order').input<null>().parallel({ a: { run, compensate }, b: { run, compensate } }).output().hash,
  ).not.toBe(hash);
});

test('unless told otherwise an action runs up to 4 times in 3 s each, a compensation up to 4 times after 1, 2 and 4 s', () => {
  const [step] = saga('order').input<null>().step('a', { run, compensate }).output().steps;
  expect(step).toMatchObject({ timeoutMs: 3000, compensationTimeoutMs: 3000, maxFlightMs: 30_000 });
  if (step?.kind !== 'call') throw new Error('a step with run is a call');
  expect([step.retry.maxAttempts, step.compensationRetry.maxAttempts]).toEqual([4, 4]);
  const longest = [1, 2, 3].map((retry) =>
    step.compensationRetry.backoff.delayMs(retry, { random: () => 1 - 2 ** -53 }),
  );
  expect(longest.map((ms) => Math.round(ms ?? 0))).toEqual([1000, 2000, 4000]);
  expect(step.compensationRetry.retryable(new Error('anything'))).toBe(true);
});

test('a mistake in plain JavaScript is told when the saga is defined, with the step, the expectation and what to do', () => {
  const refused: [() => unknown, string][] = [
    [
      () => plain().step('a', { run }),
      'Expected step "a" of saga "order" to have compensate, or to say readOnly: true; it stands before the pivot',
    ],
    [() => plain().step('a', { compensate }), 'Expected step "a" of saga "order" to have a run function'],
    [
      () => plain().step('a', { run, compensate: 1 }),
      'Expected compensate of step "a" of saga "order" to be a function, got number',
    ],
    [
      () => plain().step('a', { run, compensate, readOnly: true }),
      'Expected step "a" of saga "order" to have either compensate or readOnly: true, got both',
    ],
    [
      () => plain().pivot('a', { run, compensate }),
      'Expected step "a" of saga "order" to have no compensate: the pivot and what follows it only go forward',
    ],
    [
      () => plain().step('a', { run, compensate }).step('a', { run, compensate }),
      'Expected step names to differ, got step "a" of saga "order" twice',
    ],
    [() => plain().pivot('a', { run }).pivot('b', { run }), 'Expected one pivot in saga "order", got a second, "b"'],
    [() => plain().parallel({}), 'Expected parallel of saga "order" to have at least one step'],
    [() => plain().output(), 'Expected saga "order" to have at least one step'],
    [
      () => plain('a/b'),
      'Expected saga name to be 1 to 200 of A-Z a-z 0-9 _ . ~ : @ - (and not "." or ".."), got "a/b"',
    ],
    [
      () => plain().step('..', { run, compensate }),
      'Expected step name in saga "order" to be 1 to 200 of A-Z a-z 0-9 _ . ~ : @ - (and not "." or ".."), got ".."',
    ],
    [
      () => plain().step('a', { run, compensate, timeout: 'soon' }),
      'Expected timeout of step "a" to be milliseconds or text such as "250ms", "2s", "5m", "1h" or "1d", got "soon"',
    ],
    [
      () => plain().step('a', { run, compensate, retry: { maxAttempts: 0 } }),
      'Expected maxAttempts to be an integer ≥ 1, got 0',
    ],
  ];
  for (const [mistake, message] of refused) expect(mistake).toThrow(message);
});
