import { describe, expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { open } from './bench.ts';

const undo = (): void => undefined;

const family = (log: string[], fails: { child?: boolean; parent?: boolean } = {}) => {
  const parcel = saga('parcel')
    .input<{ id: number }>()
    .step('label', {
      run: ({ input }) => `label ${input.id}`,
      compensate: ({ input }) => void log.push(`unlabel ${input.id}`),
    })
    .step('ship', {
      run: () => {
        if (fails.child === true) throw new TerminalError('too heavy', { code: 'HEAVY' });
        return 'shipped';
      },
      compensate: ({ input }) => void log.push(`unship ${input.id}`),
    })
    .output(({ results }) => `${results.label}, ${results.ship}`);
  const order = saga('order')
    .input<{ id: number }>()
    .step('pay', { run: () => 'paid', compensate: () => void log.push('refund') })
    .child('parcel', parcel, ({ input }) => ({ id: input.id + 1 }))
    .step('mail', {
      run: ({ results }) => {
        if (fails.parent === true) throw new TerminalError('no address');
        return `mail: ${results.parcel}`;
      },
      compensate: undo,
    })
    .output(({ results }) => results.mail);
  return { parcel, order };
};

describe('child', () => {
  test('its output is the result of the step; its parent is named, and it can be looked at', async () => {
    const { order } = family([]);
    await using bench = await open([order]);
    const run = await bench.tempo.start(order, { id: 'o', input: { id: 1 }, headers: { tenant: 'x' } });
    expect(await run.result()).toBe('mail: label 2, shipped');
    await bench.clock.settle();
    expect(await bench.tempo.get('o~parcel')).toMatchObject({
      status: 'completed',
      name: 'parcel',
      parent: { id: 'o', step: 'parcel' },
      output: 'label 2, shipped',
    });
    expect(await bench.story('o~parcel')).toEqual([
      'saga-started',
      'step-started label',
      'step-confirmed label',
      'step-started ship',
      'step-confirmed ship',
      'saga-held',
      'saga-completed',
    ]);
  });

  test('a child that was undone fails its step for certain', async () => {
    const log: string[] = [];
    const { order } = family(log, { child: true });
    await using bench = await open([order]);
    const run = await bench.tempo.start(order, { id: 'o', input: { id: 1 } });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { code: 'HEAVY', step: 'parcel' } });
    expect(log).toEqual(['unlabel 2', 'refund']);
  });

  test('a child that had completed is undone with its parent, in its own order', async () => {
    const log: string[] = [];
    const { order } = family(log, { parent: true });
    await using bench = await open([order]);
    const run = await bench.tempo.start(order, { id: 'o', input: { id: 1 } });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { step: 'mail' } });
    expect(log).toEqual(['unship 2', 'unlabel 2', 'refund']);
    expect(await bench.tempo.get('o~parcel')).toMatchObject({ status: 'compensated', reason: 'cancel' });
  });

  test('cancelling the parent undoes a running child first, leaves first', async () => {
    const log: string[] = [];
    const leaf = saga('leaf')
      .input<null>()
      .step('l', { run: () => 1, compensate: () => void log.push('l') })
      .sleep('long', '30d')
      .output();
    const middle = saga('middle')
      .input<null>()
      .step('m', { run: () => 1, compensate: () => void log.push('m') })
      .child('leaf', leaf, () => null)
      .output();
    const root = saga('root')
      .input<null>()
      .step('r', { run: () => 1, compensate: () => void log.push('r') })
      .child('middle', middle, () => null)
      .output();
    await using bench = await open([root]);
    const run = await bench.tempo.start(root, { id: 'x', input: null });
    await bench.clock.settle();
    expect(await bench.tempo.get('x~middle~leaf')).toMatchObject({ status: 'waiting' });
    await bench.tempo.cancel('x');
    expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'cancel' });
    expect(log).toEqual(['l', 'm', 'r']);
  });

  test('one for each item of a list, with one worker for all of them', async () => {
    const log: string[] = [];
    const { parcel } = family(log);
    const order = saga('order')
      .input<number[]>()
      .forEach('parcels', ({ input }) => input, { child: parcel, input: ({ item }) => ({ id: item }) })
      .output(({ results }) => results.parcels);
    await using bench = await open([order], { concurrency: 1 });
    const run = await bench.tempo.start(order, { id: 'o', input: [5, 6] });
    expect(await run.result()).toEqual(['label 5, shipped', 'label 6, shipped']);
    expect(await bench.tempo.get('o~parcels.1')).toMatchObject({ name: 'parcel' });
  });

  test('terminating the parent terminates its children; a child that was terminated is not taken for undone', async () => {
    const { order } = family([]);
    const slow = saga('slow').input<null>().sleep('long', '30d').output();
    const root = saga('root')
      .input<null>()
      .child('slow', slow, () => null)
      .output();
    await using bench = await open([root, order]);
    await bench.tempo.start(root, { id: 'x', input: null });
    await bench.tempo.start(root, { id: 'y', input: null });
    await bench.clock.settle();
    await bench.tempo.terminate('x');
    await bench.clock.settle();
    expect(await bench.tempo.get('x~slow')).toMatchObject({ status: 'terminated' });
    await bench.tempo.terminate('y~slow');
    await bench.clock.settle();
    expect(await bench.tempo.get('y')).toMatchObject({ status: 'needs-human' });
    expect(await bench.tempo.attention.list()).toContainEqual(expect.objectContaining({ sagaId: 'y', step: 'slow' }));
  });

  test('a child with a pivot before the pivot of its parent does not make a definition', () => {
    const pivoted = saga('pivoted')
      .input<null>()
      .pivot('p', { run: () => 1 })
      .output();
    expect(() =>
      saga('s')
        .input<null>()
        .child('c', pivoted, () => null),
    ).toThrow('Expected the child of step "c" of saga "s", saga "pivoted", to have no pivot');
  });
});
