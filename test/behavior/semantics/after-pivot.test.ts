import { describe, expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { fault, open, stubborn } from './bench.ts';

const past = (calls: string[]) =>
  saga('s')
    .input<null>()
    .pivot('p', { run: () => 1 })
    .step('n', {
      run: ({ attempt }) => {
        calls.push(`n ${attempt}`);
        throw fault('away');
      },
      retry: stubborn(2),
    })
    .step('m', { run: ({ results }) => `m ${results.n as string}` })
    .output(({ results }) => results.m);

describe('after the pivot', () => {
  test('an action that gave up is retried, resolved or left behind by a person, but never skipped', async () => {
    const calls: string[] = [];
    const definition = past(calls);
    await using bench = await open([definition]);
    const [one, two] = await Promise.all(['1', '2'].map((id) => bench.tempo.start(definition, { id, input: null })));
    await bench.clock.advance(1000);
    expect(await bench.tempo.attention.list()).toMatchObject([
      { step: 'n', reason: 'action' },
      { step: 'n', reason: 'action' },
    ]);
    await expect(bench.tempo.attention.skip('1', 'n', { by: 'ada' })).rejects.toMatchObject({
      code: 'MAKEGOOD_NOT_WAITING',
    });
    await bench.tempo.attention.retry('1', 'n', { by: 'ada' });
    await bench.clock.advance(1000);
    expect(calls.filter((call) => call === 'n 3' || call === 'n 4')).toHaveLength(2);
    await bench.tempo.attention.resolve('1', 'n', { by: 'ada', output: 'by hand' });
    await bench.tempo.attention.forward('2', 'n', { by: 'ada' });
    await bench.clock.settle();
    expect(await one?.result()).toBe('m by hand');
    expect(await two?.result()).toBe('m undefined');
  });

  test('a wait that timed out waits anew when a person says retry; a pivot left behind is past all the same', async () => {
    const definition = saga('s')
      .input<null>()
      .pivot('p', {
        run: () => {
          throw new TerminalError('no');
        },
        retry: stubborn(1),
      })
      .output();
    const waiting = saga('w')
      .input<null>()
      .pivot('p', { run: () => 1 })
      .wait<'go', string>('go', { timeout: '1h' })
      .output(({ results }) => results.go);
    await using bench = await open([definition, waiting]);
    const run = await bench.tempo.start(waiting, { id: 'w', input: null });
    await bench.clock.advance(3_600_000);
    expect(await bench.tempo.attention.list()).toMatchObject([{ step: 'go', reason: 'action' }]);
    await bench.tempo.attention.retry('w', 'go', { by: 'ada' });
    await bench.clock.advance(3_000_000);
    expect(await bench.tempo.get('w')).toMatchObject({ status: 'waiting' });
    await expect(bench.tempo.cancel('w')).rejects.toMatchObject({ code: 'MAKEGOOD_PAST_PIVOT' });
    await bench.tempo.signal('w', 'go', 'late but here');
    expect(await run.result()).toBe('late but here');
  });

  test('an output that cannot be made is tried again, or given by a person', async () => {
    let broken = true;
    const definition = saga('s')
      .input<null>()
      .pivot('p', { run: () => 1 })
      .output(() => {
        if (broken) throw fault('bug');
        return 'made';
      });
    await using bench = await open([definition]);
    const [one, two] = await Promise.all(['1', '2'].map((id) => bench.tempo.start(definition, { id, input: null })));
    await bench.clock.settle();
    expect(await bench.tempo.attention.list()).toMatchObject([{ step: null, reason: 'output' }, { step: null }]);
    await bench.tempo.attention.resolve('1', null, { by: 'ada', output: 'given' });
    broken = false;
    await bench.tempo.attention.retry('2', null, { by: 'ada' });
    expect([await one?.result(), await two?.result()]).toEqual(['given', 'made']);
    expect(await bench.tempo.attention.list()).toEqual([]);
  });
});
