import { describe, expect, test } from 'vitest';
import { openWalJournal } from '../../../src/journal/index.ts';
import { retryPolicy } from '../../../src/retry/index.ts';
import { type Saga, saga } from '../../../src/saga/index.ts';
import { memoryFiles, testClock } from '../../../src/testing/index.ts';
import { deaf, fault, open, stubborn } from './bench.ts';

const undo = (): void => undefined;

/** A disk that outlives coordinators. */
function disk() {
  const files = memoryFiles();
  const clock = testClock();
  return { clock, journal: () => openWalJournal('data', { files, clock, segmentBytes: 8192 }) };
}

interface AnyBuilder {
  step(name: string, options: object): AnyBuilder;
  output(): Saga<null>;
}

function define(version: string, names: readonly string[], run: (name: string) => unknown = () => 1): Saga<null> {
  let builder = saga('order', { version }).input<null>() as unknown as AnyBuilder;
  for (const name of names) builder = builder.step(name, { run: () => run(name), compensate: undo, timeout: '1h' });
  return builder.output();
}

describe('§5 versions', () => {
  test('versions side by side: an instance goes on under the one it was started with', async () => {
    const ran: string[] = [];
    const one = define('1', ['a', 'b'], (name) => void ran.push(`1 ${name}`));
    const two = define('2', ['a', 'c'], (name) => void ran.push(`2 ${name}`));
    await using bench = await open([one, two]);
    await bench.tempo.start(one, { id: '1', input: null });
    await bench.tempo.start(two, { id: '2', input: null });
    await bench.clock.settle();
    expect(ran.toSorted()).toEqual(['1 a', '1 b', '2 a', '2 c']);
    expect(await bench.tempo.get('2')).toMatchObject({ version: '2', status: 'completed' });
  });

  test('a saga that waits for its definition goes on when it is registered', async () => {
    const { clock, journal } = disk();
    const one = saga('order', { version: '1' }).input<null>().sleep('pause', '1d').output();
    const first = await open([one], { clock, journal: await journal() });
    await first.tempo.start(one, { id: 's', input: null });
    await first.tempo.close();

    await using second = await open([define('2', ['x'])], { clock, journal: await journal() });
    expect(await second.tempo.get('s')).toMatchObject({ status: 'blocked', version: '1' });
    await expect(second.tempo.list({ status: 'blocked', limit: 0 })).rejects.toThrow('Expected limit to be an integer');
    await expect(second.tempo.list({ status: 'blocked', cursor: 'x' })).rejects.toThrow('Expected cursor to be one');
    await expect(second.tempo.cancel('s')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_BLOCKED' });
    expect(second.events).toContainEqual({ type: 'tempo.blocked', sagaId: 's', sagaName: 'order', version: '1' });
    second.tempo.register(one);
    await second.clock.advance(86_400_000);
    expect(await second.tempo.get('s')).toMatchObject({ status: 'completed' });
  });

  test('a blocked saga can be terminated, and closed by a person after another restart', async () => {
    const { clock, journal } = disk();
    const one = saga('order', { version: '1' }).input<null>().sleep('pause', '1d').output();
    const first = await open([one], { clock, journal: await journal() });
    await first.tempo.start(one, { id: 's', input: null });
    await first.tempo.close();
    const second = await open([], { clock, journal: await journal() });
    expect(await second.tempo.terminate('s')).toMatchObject({ status: 'terminated' });
    await second.tempo.close();
    await using third = await open([], { clock, journal: await journal() });
    await third.clock.settle();
    expect(await third.tempo.attention.list()).toMatchObject([{ sagaId: 's', step: null, reason: 'terminated' }]);
    await third.tempo.attention.resolve('s', null, { by: 'ada' });
    expect(await third.tempo.attention.list()).toEqual([]);
  });

  test('registering a definition without a step that an open saga needs is refused, and leaves it out', async () => {
    const { clock, journal } = disk();
    const one = saga('order')
      .input<null>()
      .sleep('pause', '1d')
      .step('a', { run: () => 1, readOnly: true })
      .output();
    const first = await open([one], { clock, journal: await journal() });
    await first.tempo.start(one, { id: 's', input: null });
    await first.tempo.close();
    const lacking = saga('order').input<null>().sleep('pause', '1d').output();
    await using second = await open([], { clock, journal: await journal() });
    const stranded = { code: 'MAKEGOOD_SAGA_STRANDED', sagaIds: ['s'] };
    expect(() => second.tempo.register(lacking)).toThrow(expect.objectContaining(stranded));
    second.tempo.register(one);
    await second.clock.advance(86_400_000);
    expect(await second.tempo.get('s')).toMatchObject({ status: 'completed' });
  });

  test('migrate: goes on under another version at a step boundary, where nothing begun is lost or comes too late', async () => {
    const ran: string[] = [];
    const run = (name: string) => () => void ran.push(name);
    const one = saga('order', { version: '1' })
      .input<null>()
      .step('a', { run: run('a'), compensate: undo })
      .sleep('pause', '1d')
      .step('b', { run: run('b'), compensate: undo })
      .output();
    const two = saga('order', { version: '2' })
      .input<null>()
      .step('a', { run: run('a'), compensate: undo })
      .sleep('pause', '1d')
      .step('check', { run: run('check'), readOnly: true })
      .step('b', { run: run('b'), compensate: undo })
      .output();
    const without = saga('order', { version: '3' }).input<null>().sleep('pause', '1d').output();
    const late = saga('order', { version: '4' })
      .input<null>()
      .step('new', { run: run('new'), compensate: undo })
      .step('a', { run: run('a'), compensate: undo })
      .sleep('pause', '1d')
      .output();
    await using bench = await open([one, two, without, late]);
    await bench.tempo.start(one, { id: 's', input: null });
    await bench.clock.settle();
    const refused = { code: 'MAKEGOOD_MIGRATION_REFUSED' };
    await expect(bench.tempo.migrate('s', without)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('step "a" has begun, and the new definition has none of that name'),
    });
    await expect(bench.tempo.migrate('s', late)).rejects.toMatchObject(refused);
    expect(await bench.tempo.migrate('s', two)).toMatchObject({ version: '2' });
    await bench.clock.advance(86_400_000);
    expect(ran).toEqual(['a', 'check', 'b']);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'completed', version: '2' });
  });

  test('a migration is refused while a call is in flight', async () => {
    const one = define('1', ['a'], deaf);
    const two = define('2', ['a', 'b'], deaf);
    await using bench = await open([one, two]);
    await bench.tempo.start(one, { id: 's', input: null });
    await bench.clock.settle();
    await expect(bench.tempo.migrate('s', two)).rejects.toMatchObject({
      code: 'MAKEGOOD_MIGRATION_REFUSED',
      message: expect.stringContaining('a call of step "a" is in flight'),
    });
  });
});

const flaky = (calls: number[]) =>
  saga('order')
    .input<null>()
    .step('charge', {
      run: ({ attempt }) => {
        calls.push(attempt);
        throw fault('no', { status: 503 });
      },
      compensate: () => {
        throw fault('no');
      },
      retry: stubborn(2),
    })
    .output();

describe('policies from outside (M12)', () => {
  test('decide instead of the definition: actions by saga/step, compensations by saga/step/compensation', async () => {
    const calls: number[] = [];
    const definition = flaky(calls);
    await using bench = await open([definition], {
      policies: {
        'order/charge': retryPolicy({ ...stubborn(3) }),
        'order/charge/compensation': stubborn(1),
      },
    });
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(1000);
    expect(calls).toEqual([1, 2, 3]);
    expect(await bench.tempo.get('s')).toMatchObject({
      status: 'needs-human',
      steps: [{ compensation: { attempts: 1 } }],
    });
  });

  test('replaced while a saga runs: holds for attempts not yet scheduled, and those that were made count on', async () => {
    const calls: number[] = [];
    const definition = flaky(calls);
    await using bench = await open([definition]);
    bench.tempo.policies.set('order/charge', stubborn(9, 1000));
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(1500);
    expect(calls).toEqual([1, 2]);
    bench.tempo.policies.set('order/charge', stubborn(4, 10));
    await bench.clock.advance(499);
    expect(calls).toEqual([1, 2]);
    await bench.clock.advance(100);
    expect(calls).toEqual([1, 2, 3, 4]);
    expect([...bench.tempo.policies.entries()].map(([key]) => key)).toEqual(['order/charge']);
    expect(bench.tempo.policies.delete('order/charge')).toBe(true);
    expect(bench.tempo.policies.get('order/charge')).toBeUndefined();
  });

  test('a key that names no registered step, and rules out of range, are refused at once', async () => {
    const definition = flaky([]);
    await using bench = await open([definition]);
    for (const key of ['order', 'order/pay', 'other/charge', 'order/charge/undo', 'order/charge/compensation/x']) {
      expect(() => bench.tempo.policies.set(key, {})).toThrow('Expected a policy\'s key to be "saga/step"');
    }
    expect(() => bench.tempo.policies.set('order/charge', { maxAttempts: 0 })).toThrow(RangeError);
  });
});

test('a process that dies again and again in the hands of one action asks a person instead of a third time', async () => {
  const { clock, journal } = disk();
  const ran: number[] = [];
  const definition = saga('order')
    .input<null>()
    .step('a', {
      run: ({ attempt }) => {
        ran.push(attempt);
        return deaf();
      },
      compensate: undo,
      retry: stubborn(9),
    })
    .output();
  // Each coordinator is left behind as a killed process would leave it: what is not on the disk is gone.
  const files = memoryFiles();
  const lives = async () => open([definition], { clock, journal: await openWalJournal('d', { files, clock }) });
  const first = await lives();
  await first.tempo.start(definition, { id: 's', input: null });
  await clock.settle();
  files.crash();
  const second = await lives();
  await clock.settle();
  files.crash();
  const third = await lives();
  await clock.settle();
  expect(ran).toEqual([1, 2]);
  expect(await third.tempo.attention.list()).toMatchObject([
    { step: 'a', lastFailure: { code: 'MAKEGOOD_CRASH_LIMIT' } },
  ]);
  void [second, journal];
});
