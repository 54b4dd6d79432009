import { describe, expect, test } from 'vitest';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { fault, gate, open, stubborn } from './bench.ts';

const refuse = (): never => {
  throw new TerminalError('no');
};

const stuckBranch = (onStuck: 'hold' | 'continue', log: string[]) =>
  saga('s', { onStuck })
    .input<null>()
    .step('a', { run: () => 1, compensate: () => void log.push('a') })
    .parallel({
      b: { run: () => 1, compensate: () => void log.push('b') },
      c: {
        run: () => 1,
        compensate: () => {
          log.push('c');
          throw new TerminalError('cannot');
        },
      },
    })
    .step('d', { run: refuse, compensate: () => undefined })
    .output();

describe('§1 order of compensation', () => {
  test('parallel: a step is undone as soon as all that was built on it is, and not before', async () => {
    const log: string[] = [];
    const gates = { b: gate(), c: gate(), d: gate() };
    const slow = (name: keyof typeof gates) => ({
      run: () => 1,
      compensate: async () => {
        log.push(`begin ${name}`);
        await gates[name].promise;
        log.push(`end ${name}`);
      },
      compensationTimeout: '1h' as const,
    });
    const definition = saga('s', { compensate: 'parallel' })
      .input<null>()
      .step('a', { run: () => 1, compensate: () => void log.push('a') })
      .parallel({ b: slow('b'), c: slow('c') })
      .step('d', slow('d'))
      .step('e', { run: refuse, compensate: () => undefined })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    expect(log).toEqual(['begin d']);
    gates.d.resolve();
    await bench.clock.settle();
    expect(log.slice(1)).toEqual(['end d', 'begin b', 'begin c']);
    gates.b.resolve();
    await bench.clock.settle();
    expect(log).not.toContain('a');
    gates.c.resolve();
    await bench.clock.settle();
    expect(log.slice(-2)).toEqual(['end c', 'a']);
    expect(await run.outcome()).toMatchObject({ status: 'compensated' });
  });

  test('at a step that cannot be undone the others wait for a person', async () => {
    const log: string[] = [];
    const definition = stuckBranch('hold', log);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    expect(log).toEqual(['c']);
    await bench.tempo.attention.skip('s', 'c', { by: 'ada' });
    await bench.clock.settle();
    expect(log).toEqual(['c', 'b', 'a']);
  });

  test("with onStuck: 'continue' only those that the stuck step was not built on go on", async () => {
    const log: string[] = [];
    const definition = stuckBranch('continue', log);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    expect(log).toEqual(['c', 'b']);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'needs-human' });
    await bench.tempo.attention.resolve('s', 'c', { by: 'ada' });
    await bench.clock.settle();
    expect(log).toEqual(['c', 'b', 'a']);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'compensated' });
  });
});

const stuck = (calls: unknown[], until = Infinity) =>
  saga('s')
    .input<{ id: number }>()
    .step('a', {
      run: () => 1,
      compensate: ({ input, attempt }) => {
        calls.push([attempt, input.id]);
        if (calls.length < until) throw fault('away');
      },
    })
    .step('b', { run: refuse, compensate: () => undefined })
    .output();

describe('§3 a compensation that fails for ever', () => {
  test('alerts at once and again every hour, until somebody decides', async () => {
    const definition = stuck([]);
    await using bench = await open([definition], { realertAfter: '1h' });
    await bench.tempo.start(definition, { id: 's', input: { id: 1 } });
    await bench.clock.advance(10_000);
    const alerts = () => bench.events.flatMap((event) => (event.type === 'attention.raised' ? [event.repeated] : []));
    expect(alerts()).toEqual([0]);
    await bench.clock.advance(2 * 3_600_000);
    expect(alerts()).toEqual([0, 1, 2]);
    await bench.tempo.attention.skip('s', 'a', { by: 'ada', note: 'refund later' });
    await bench.clock.advance(2 * 3_600_000);
    expect(alerts()).toEqual([0, 1, 2]);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'compensated', steps: [{ state: 'skipped' }, {}] });
  });

  test('retry gives a new budget of 4, whose attempts are numbered on; the item is of the next generation', async () => {
    const calls: unknown[] = [];
    const definition = stuck(calls);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: { id: 1 } });
    await bench.clock.advance(10_000);
    expect(calls.map((call) => (call as number[])[0])).toEqual([1, 2, 3, 4]);
    const view = await bench.tempo.attention.retry('s', 'a', { by: 'ada' });
    expect(view).toMatchObject({ status: 'compensating' });
    await bench.clock.advance(10_000);
    expect(calls.map((call) => (call as number[])[0])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await bench.tempo.attention.list()).toMatchObject([{ step: 'a', reason: 'compensation', generation: 1 }]);
  });

  test('retryWith gives the step other arguments, which a restart keeps', async () => {
    const calls: unknown[] = [];
    const definition = stuck(calls, 5);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: { id: 1 } });
    await bench.clock.advance(10_000);
    await bench.tempo.attention.retryWith('s', 'a', { by: 'ada', args: { id: 2 } });
    await bench.clock.settle();
    expect(calls.at(-1)).toEqual([5, 2]);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'compensated', input: { id: 1 } });
    expect(await bench.tempo.history('s')).toContainEqual(
      expect.objectContaining({ type: 'human-decided', verb: 'retry-with', by: 'ada', args: { id: 2 } }),
    );
  });

  test('forward is refused once a compensation ran, and allowed while none did', async () => {
    const definition = stuck([]);
    const careful = saga('careful')
      .input<null>()
      .step('a', {
        run: () => {
          throw fault('no answer');
        },
        compensate: () => undefined,
        nullSafe: false,
      })
      .step('b', { run: ({ results }) => `after ${results.a as string}`, compensate: () => undefined })
      .output(({ results }) => results.b);
    await using bench = await open([definition, careful]);
    await bench.tempo.start(definition, { id: 's', input: { id: 1 } });
    const run = await bench.tempo.start(careful, { id: 'c', input: null });
    await bench.clock.advance(10_000);
    await expect(bench.tempo.attention.forward('s', 'a', { by: 'ada' })).rejects.toMatchObject({
      code: 'MAKEGOOD_NOT_WAITING',
      message: expect.stringContaining('the undoing of step "a" has begun'),
    });
    await bench.tempo.attention.forward('c', 'a', { by: 'ada', note: 'it is there', output: 'what I saw' });
    await bench.clock.settle();
    expect(await run.result()).toBe('after what I saw');
  });

  test('a decision about a step that waits for nobody is refused, and so is one by nobody', async () => {
    const definition = stuck([]);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: { id: 1 } });
    await bench.clock.advance(10_000);
    const refused = { code: 'MAKEGOOD_NOT_WAITING' };
    await expect(bench.tempo.attention.skip('s', 'b', { by: 'ada' })).rejects.toMatchObject(refused);
    await expect(bench.tempo.attention.skip('s', 'x', { by: 'ada' })).rejects.toMatchObject(refused);
    expect(() => bench.tempo.attention.skip('s', 'a', { by: '' })).toThrow('Expected by to say who decides, got ""');
  });

  test('two decisions at once: one is kept, the other refused', async () => {
    const definition = stuck([]);
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: { id: 1 } });
    await bench.clock.advance(10_000);
    const both = await Promise.allSettled([
      bench.tempo.attention.skip('s', 'a', { by: 'ada' }),
      bench.tempo.attention.retry('s', 'a', { by: 'bo' }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('a guard that refuses pauses the budget instead of spending it', async () => {
    const calls: number[] = [];
    let isOpen = true;
    const guard = {
      execute: async (fn: (call: never) => unknown) => {
        if (isOpen) throw fault('circuit is open', { code: 'MAKEGOOD_CIRCUIT_OPEN' });
        return fn({ signal: new AbortController().signal } as never);
      },
      wrap: () => expect.unreachable(),
    };
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => 1, compensate: () => 1 })
      .step('b', {
        run: ({ attempt }) => {
          calls.push(attempt);
          if (calls.length === 1) throw fault('away');
        },
        compensate: () => undefined,
        retry: stubborn(2),
      })
      .output();
    await using bench = await open([definition], { guards: { b: guard as never } });
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(10_000);
    isOpen = false;
    await bench.clock.advance(2000);
    expect(calls).toEqual([12, 13]);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });
});

/** At it when first asked, away ever after. */
function fate(call: number): void {
  if (call === 1) throw fault('at it', { code: 'MAKEGOOD_IN_PROGRESS' });
  throw fault('away');
}

test('a guard that refuses while the callee is asked again takes no attempt back', async () => {
  let asked = 0;
  const definition = saga('s')
    .input<null>()
    .step('a', { run: () => 1, compensate: () => fate(++asked), compensationRetry: stubborn(3) })
    .step('b', { run: refuse, compensate: () => undefined })
    .output();
  let calls = 0;
  const guard = {
    execute: async (fn: (call: never) => unknown) => {
      if (++calls === 3) throw fault('circuit is open', { code: 'MAKEGOOD_CIRCUIT_OPEN' });
      return fn({ signal: new AbortController().signal } as never);
    },
    wrap: () => expect.unreachable(),
  };
  await using bench = await open([definition], { guards: { a: guard as never } });
  await bench.tempo.start(definition, { id: 's', input: null });
  await bench.clock.advance(20_000);
  // Asked once more under attempt 1, refused in between; then 2 and 3, and no fourth.
  expect(asked).toBe(4);
  expect(await bench.tempo.get('s')).toMatchObject({
    status: 'needs-human',
    steps: [{ compensation: { attempts: 3 } }, {}],
  });
});
