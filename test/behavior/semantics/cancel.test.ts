import { describe, expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { deaf, fault, gate, open, stubborn } from './bench.ts';

const undo = (): void => undefined;

describe('§4 cancel', () => {
  test('before any step: compensated with reason cancel, nothing is called', async () => {
    const calls: string[] = [];
    const definition = saga('s')
      .input<null>()
      .sleep('pause', '1h')
      .step('a', { run: () => void calls.push('a'), compensate: () => void calls.push('undo a') })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    const view = await bench.tempo.cancel('s', { reason: 'the customer left' });
    expect(view).toMatchObject({ status: 'compensated', reason: 'cancel', cancelReason: 'the customer left' });
    expect(await run.outcome()).toEqual({ status: 'compensated', reason: 'cancel', cancelReason: 'the customer left' });
    await expect(run.result()).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_COMPENSATED', reason: 'cancel' });
    expect(calls).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('running before the pivot: the signal aborts, the call is awaited, then everything is undone', async () => {
    const calls: string[] = [];
    const answer = gate<string>();
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => void calls.push('a'), compensate: () => void calls.push('undo a') })
      .step('b', {
        run: ({ signal }) => {
          signal.addEventListener('abort', () => calls.push(`b told: ${(signal.reason as Error).message}`));
          return answer.promise;
        },
        compensate: ({ output }) => void calls.push(`undo b ${output}`),
      })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    expect(await bench.tempo.cancel('s')).toMatchObject({ status: 'compensating', reason: 'cancel' });
    await bench.clock.settle();
    expect(calls).toEqual(['a', 'b told: saga "s" was cancelled']);
    answer.resolve('done after all');
    await bench.clock.settle();
    expect(calls.slice(2)).toEqual(['undo b done after all', 'undo a']);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'cancel' });
  });

  test('a handler that heeds its signal is undone as unknown; one that is deaf only after its settle time', async () => {
    const undone: [string, number][] = [];
    const define = (name: string, run: (context: { signal: AbortSignal }) => unknown) =>
      saga(name)
        .input<null>()
        .step('a', {
          run,
          compensate: ({ output }) => void undone.push([`${name} ${output as string}`, bench.clock.monotonicMs()]),
        })
        .output();
    const heeds = define(
      'heeds',
      ({ signal }) => new Promise((_, fail) => signal.addEventListener('abort', () => fail(new Error('stopped')))),
    );
    const ignores = define('ignores', deaf);
    await using bench = await open([heeds, ignores]);
    await bench.tempo.start(heeds, { id: '1', input: null });
    await bench.tempo.start(ignores, { id: '2', input: null });
    await bench.clock.advance(1000);
    await bench.tempo.cancel('1');
    await bench.tempo.cancel('2');
    await bench.clock.advance(60_000);
    expect(undone).toEqual([
      ['heeds undefined', 1000],
      ['ignores undefined', 33_000],
    ]);
  });

  test('a step that waits for its next attempt does not get it, and is undone as unknown', async () => {
    const calls: string[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', {
        run: () => {
          calls.push('a');
          throw fault('away', { status: 503 });
        },
        compensate: () => void calls.push('undo a'),
        retry: stubborn(5, 60_000),
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await bench.tempo.cancel('s');
    await bench.clock.settle();
    expect(calls).toEqual(['a', 'undo a']);
    expect(await bench.story('s')).toContain('step-unknown a');
  });

  test('past the pivot, done or perhaps done: refused, and the saga goes on', async () => {
    const answer = gate();
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => 1, compensate: undo })
      .pivot('p', { run: () => answer.promise })
      .step('b', { run: deaf, timeout: '1h' })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    const refusal = { code: 'MAKEGOOD_PAST_PIVOT', sagaId: 's', pivot: 'p' };
    await expect(bench.tempo.cancel('s')).rejects.toMatchObject(refusal);
    answer.resolve();
    await bench.clock.settle();
    await expect(bench.tempo.cancel('s')).rejects.toMatchObject(refusal);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'running' });
    await bench.tempo.terminate('s');
  });

  test('a pivot that was refused, or whose calls never left, is not behind us', async () => {
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => 1, compensate: undo })
      .pivot('p', {
        run: () => {
          throw fault('connection refused', { effect: 'none' });
        },
        retry: stubborn(5, 60_000),
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await bench.tempo.cancel('s');
    await bench.clock.settle();
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'compensated', reason: 'cancel' });
  });

  test('compensating, or waiting for a person about that: no-op; ended: refused', async () => {
    const away = gate();
    const definition = saga('s')
      .input<'slow' | 'stuck'>()
      .step('a', {
        run: () => 1,
        compensate: ({ input }) => {
          if (input === 'slow') return away.promise;
          throw new TerminalError('cannot');
        },
      })
      .step('b', {
        run: () => {
          throw new TerminalError('no');
        },
        compensate: undo,
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 'slow', input: 'slow' });
    await bench.tempo.start(definition, { id: 'stuck', input: 'stuck' });
    await bench.clock.settle();
    const stories = [await bench.story('slow'), await bench.story('stuck')];
    expect(await bench.tempo.cancel('slow', { reason: 'x' })).toMatchObject({
      status: 'compensating',
      reason: 'failed',
    });
    expect(await bench.tempo.cancel('stuck')).toMatchObject({ status: 'needs-human', reason: 'failed' });
    expect([await bench.story('slow'), await bench.story('stuck')]).toEqual(stories);
    away.resolve();
    await bench.clock.settle();
    const ended = {
      code: 'MAKEGOOD_SAGA_ENDED',
      message: 'saga "slow" has ended: it is compensated; nothing was changed',
    };
    await expect(bench.tempo.cancel('slow')).rejects.toMatchObject(ended);
    await expect(bench.tempo.terminate('slow')).rejects.toMatchObject(ended);
    await expect(bench.tempo.cancel('nobody')).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_NOT_FOUND' });
  });

  test('an aborted caller does not abort the undoing: its signal is its own', async () => {
    const aborted: boolean[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => 1, compensate: ({ signal }) => void aborted.push(signal.aborted) })
      .step('b', {
        run: deaf,
        compensate: ({ signal }) => void aborted.push(signal.aborted),
        timeout: '1s',
        maxFlight: 0,
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await bench.tempo.cancel('s');
    await bench.clock.advance(2000);
    expect(aborted).toEqual([false, false]);
  });
});

describe('§4 terminate', () => {
  test('stops where it stands: nothing is undone, a person is asked, and closing that is kept', async () => {
    const calls: string[] = [];
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => void calls.push('a'), compensate: () => void calls.push('undo a') })
      .step('b', { run: deaf, compensate: () => void calls.push('undo b') })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    const view = await bench.tempo.terminate('s', { reason: 'wrong order', by: 'ada' });
    expect(view).toMatchObject({ status: 'terminated', reason: 'terminated', cancelReason: 'wrong order' });
    await expect(run.result()).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_TERMINATED', reason: 'wrong order' });
    await bench.clock.advance(60_000);
    expect(calls).toEqual(['a']);
    const item = { sagaId: 's', step: null, reason: 'terminated' };
    expect(await bench.tempo.attention.list()).toMatchObject([item]);
    await expect(bench.tempo.attention.retry('s', null, { by: 'bo' })).rejects.toMatchObject({
      code: 'MAKEGOOD_NOT_WAITING',
    });
    await bench.tempo.attention.resolve('s', null, { by: 'bo', note: 'refunded by hand' });
    expect(await bench.tempo.attention.list()).toEqual([]);
    expect((await bench.tempo.history('s')).slice(-2)).toMatchObject([
      { type: 'saga-terminated', by: 'ada', reason: 'wrong order' },
      { type: 'saga-closed', by: 'bo', note: 'refunded by hand' },
    ]);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'terminated' });
  });

  test('compensating, past the pivot and waiting for a person: allowed', async () => {
    const definition = saga('s')
      .input<'undoing' | 'past' | 'stuck'>()
      .step('a', {
        run: () => 1,
        compensate: ({ input }) => {
          if (input === 'undoing') return deaf();
          throw new TerminalError('cannot');
        },
        compensationTimeout: '1h',
      })
      .pivot('p', {
        run: ({ input }) => {
          if (input !== 'past') throw new TerminalError('no');
        },
      })
      .step('b', { run: deaf, timeout: '1h' })
      .output();
    await using bench = await open([definition]);
    for (const input of ['undoing', 'past', 'stuck'] as const)
      await bench.tempo.start(definition, { id: input, input });
    await bench.clock.settle();
    const before = await Promise.all(['undoing', 'past', 'stuck'].map((id) => bench.tempo.get(id)));
    expect(before.map((view) => view?.status)).toEqual(['compensating', 'running', 'needs-human']);
    for (const id of ['undoing', 'past', 'stuck']) {
      expect(await bench.tempo.terminate(id)).toMatchObject({ status: 'terminated' });
    }
    expect((await bench.tempo.attention.list()).map(({ sagaId, step }) => `${sagaId} ${step}`).toSorted()).toEqual([
      'past null',
      'stuck null',
      'undoing null',
    ]);
  });
});
