import { describe, expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { count, deaf, fault, open, stubborn } from './bench.ts';

const undo = (): void => undefined;

describe('§0 classes of an attempt', () => {
  test('a definite failure is not tried again, and the step is not compensated', async () => {
    const calls: string[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: () => {
          calls.push('a');
          throw new TerminalError('declined', { code: 'DECLINED' });
        },
        compensate: () => void calls.push('undo a'),
        retry: stubborn(4),
      })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { code: 'DECLINED', step: 'a' } });
    expect(calls).toEqual(['a']);
  });

  test('with compensateOnFailure it is compensated all the same, in its place by its failure', async () => {
    const calls: string[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => 1, compensate: () => void calls.push('undo a') })
      .step('b', {
        run: () => {
          throw new TerminalError('half done');
        },
        compensate: ({ output }) => void calls.push(`undo b ${output}`),
        compensateOnFailure: true,
      })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(calls).toEqual(['undo b undefined', 'undo a']);
  });

  test('attempts that were never sent leave nothing to undo; one of unknown effect among them does', async () => {
    const calls: string[] = [];
    const define = (name: string, faults: readonly object[]) =>
      saga(name)
        .input<null>()
        .step('a', {
          run: ({ attempt }) => {
            throw fault('refused', faults[attempt - 1]);
          },
          compensate: () => void calls.push(`undo ${name}`),
          retry: stubborn(2),
        })
        .output();
    const never = define('never', [{ effect: 'none' }, { effect: 'none' }]);
    const perhaps = define('perhaps', [{}, { effect: 'none' }]);
    await using bench = await open([never, perhaps]);
    await bench.tempo.start(never, { id: '1', input: null });
    await bench.tempo.start(perhaps, { id: '2', input: null });
    await bench.clock.advance(1000);
    expect(calls).toEqual(['undo perhaps']);
    expect((await bench.tempo.get('1'))?.steps).toMatchObject([{ state: 'failed', attempts: 2 }]);
    expect(await bench.tempo.get('1')).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
  });

  test('effectBeforeThrow: never: a throw is a failure that did nothing; a time-out is not', async () => {
    const calls: string[] = [];
    const define = (name: string, run: () => unknown) =>
      saga(name)
        .input<null>()
        .step('a', {
          run,
          compensate: () => void calls.push(`undo ${name}`),
          effectBeforeThrow: 'never',
          retry: stubborn(2),
          maxFlight: 0,
        })
        .output();
    const throws = define('throws', () => {
      throw new Error('before anything');
    });
    const hangs = define('hangs', deaf);
    await using bench = await open([throws, hangs]);
    await bench.tempo.start(throws, { id: '1', input: null });
    await bench.tempo.start(hangs, { id: '2', input: null });
    await bench.clock.advance(10_000);
    expect(calls).toEqual(['undo hangs']);
  });

  test('in progress: asked again under the same attempt, at an even pace, without using the budget', async () => {
    const asked: [number, number][] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: ({ attempt }) => {
          asked.push([attempt, bench.clock.monotonicMs()]);
          if (asked.length < 6) throw fault('still at it', { code: 'MAKEGOOD_IN_PROGRESS' });
          return 'done';
        },
        compensate: undo,
        retry: stubborn(2),
      })
      .output(({ results }) => results.a);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(10_000);
    expect(asked).toEqual([0, 1000, 2000, 3000, 4000, 5000].map((at) => [1, at]));
    expect(await run.result()).toBe('done');
    expect(count(await bench.story('s'), 'step-started')).toBe(1);
  });

  test('in progress when the saga turns round: awaited to its settle time, then undone as unknown', async () => {
    const undone: number[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: () => {
          throw fault('still at it', { code: 'MAKEGOOD_IN_PROGRESS', retryAfterMs: 500 });
        },
        compensate: () => void undone.push(bench.clock.monotonicMs()),
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await bench.tempo.cancel('s');
    await bench.clock.advance(31_000);
    expect(undone).toEqual([30_000]);
  });

  test('a result that comes after its attempt has been given up says nothing, and is counted', async () => {
    const late = Promise.withResolvers<string>();
    let calls = 0;
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: () => (++calls === 1 ? late.promise : 'second'),
        compensate: undo,
        retry: { ...stubborn(2), retryable: () => true },
      })
      .output(({ results }) => results.a);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(4000);
    late.resolve('first, too late');
    await bench.clock.settle();
    expect(await run.result()).toBe('second');
  });
});

const unknownStep = (
  probe: (() => { effect: 'applied'; output?: string } | { effect: 'none' }) | undefined,
  calls: string[],
) =>
  saga('s')
    .input<null>()
    .step('first', { run: () => 1, compensate: () => void calls.push('undo first') })
    .step('a', {
      run: () => {
        calls.push('a');
        throw new Error('no answer');
      },
      compensate: ({ output }) => void calls.push(`undo a ${output}`),
      ...(probe === undefined ? {} : { statusProbe: probe }),
    })
    .output();

describe('§2 a step of unknown outcome', () => {
  test('the probe says applied: undone with what the probe answered, before what came before it', async () => {
    const calls: string[] = [];
    const definition = unknownStep(() => (calls.push('probe'), { effect: 'applied', output: 'x' }), calls);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(calls).toEqual(['a', 'probe', 'undo a x', 'undo first']);
  });

  test('the probe says none: nothing is undone', async () => {
    const calls: string[] = [];
    const definition = unknownStep(() => (calls.push('probe'), { effect: 'none' }), calls);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
    expect(calls).toEqual(['a', 'probe', 'undo first']);
    expect((await bench.tempo.get('s'))?.steps[1]).toMatchObject({ state: 'failed', probe: { attempts: 1 } });
  });

  test('a probe that cannot tell is asked 4 times, then a person is; a nonsense answer is no answer', async () => {
    const calls: string[] = [];
    const definition = unknownStep(() => (calls.push('probe'), { effect: 'maybe' } as never), calls);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(20_000);
    expect(calls).toEqual(['a', 'probe', 'probe', 'probe', 'probe']);
    expect(await bench.tempo.attention.list()).toMatchObject([{ step: 'a', reason: 'probe', generation: 0 }]);
    await bench.tempo.attention.resolve('s', 'a', { by: 'ada', note: 'looked: never arrived' });
    await bench.clock.settle();
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'compensated' });
    expect(calls.at(-1)).toBe('undo first');
  });

  test('nullSafe: false and no probe: a person is asked, nothing is guessed', async () => {
    const calls: string[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: () => {
          throw new Error('no answer');
        },
        compensate: () => void calls.push('undo a'),
        nullSafe: false,
      })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    expect(await run.outcome()).toMatchObject({ status: 'needs-human' });
    expect(await bench.tempo.attention.list()).toMatchObject([
      { step: 'a', reason: 'compensation', lastFailure: { code: 'MAKEGOOD_NOT_NULL_SAFE' } },
    ]);
    await bench.tempo.attention.retry('s', 'a', { by: 'ada', note: 'it did arrive' });
    await bench.clock.settle();
    expect(calls).toEqual(['undo a']);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'compensated' });
  });

  test('no compensation and no probe before the settle time of the last attempt', async () => {
    const at: [string, number][] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: deaf,
        compensate: () => void at.push(['undo', bench.clock.monotonicMs()]),
        statusProbe: () => (at.push(['probe', bench.clock.monotonicMs()]), { effect: 'applied' }),
        timeout: '2s',
        maxFlight: '10s',
        retry: stubborn(1),
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(30_000);
    expect(at).toEqual([
      ['probe', 12_000],
      ['undo', 12_000],
    ]);
  });
});
