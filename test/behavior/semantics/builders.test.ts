import { describe, expect, test } from 'vitest';
import { saga, type StandardSchema, TerminalError } from '../../../src/saga/index.ts';
import { fault, open, stubborn } from './bench.ts';

const undo = (): void => undefined;

const approval: StandardSchema<{ by: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof (value as { by?: unknown }).by === 'string'
        ? { value: value as { by: string } }
        : { issues: [{ message: 'must be a string', path: ['by'] }] },
  },
};

describe('sleep', () => {
  test('a pause of three days is one timer; the saga is waiting, and goes on when it is over', async () => {
    const definition = saga('s')
      .input<null>()
      .sleep('pause', '3d')
      .step('a', { run: () => 'awake', readOnly: true })
      .output(({ results }) => results.a);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(3 * 86_400_000 - 1);
    const view = await bench.tempo.get('s');
    expect(view).toMatchObject({ status: 'waiting', steps: [{ state: 'running' }, { state: 'pending' }] });
    expect((await bench.tempo.list({ status: 'waiting' })).items).toMatchObject([{ id: 's' }]);
    expect(view?.steps[0]?.until).toBe((view?.createdAt ?? 0) + 3 * 86_400_000);
    await bench.clock.advance(1);
    expect(await run.result()).toBe('awake');
    expect((await bench.tempo.list({ status: 'completed' })).items).toMatchObject([{ id: 's' }]);
  });

  test('a deadline that comes first ends it', async () => {
    const definition = saga('s', { deadline: '1h' }).input<null>().sleep('pause', '3d').output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(3_600_000);
    expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'deadline' });
  });
});

const defineApproval = () =>
  saga('s')
    .input<null>()
    .step('a', { run: () => 1, compensate: undo })
    .wait('approved', { schema: approval, timeout: '3d' })
    .step('b', { run: ({ results }) => `by ${results.approved.by}`, compensate: undo })
    .output(({ results }) => results.b);

describe('wait', () => {
  test('a signal wakes the step, with its payload as the result', async () => {
    const definition = defineApproval();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(86_400_000);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'waiting' });
    await bench.tempo.signal('s', 'approved', { by: 'ada' });
    expect(await run.result()).toBe('by ada');
  });

  test('a signal that comes before the step is kept; the same again changes nothing, another is refused', async () => {
    const before = Promise.withResolvers<void>();
    const definition = saga('s')
      .input<null>()
      .step('a', { run: () => before.promise, compensate: undo })
      .wait<'go', number>('go')
      .output(({ results }) => results.go);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await bench.tempo.signal('s', 'go', 7);
    await bench.tempo.signal('s', 'go', 7);
    await expect(bench.tempo.signal('s', 'go', 8)).rejects.toMatchObject({ code: 'MAKEGOOD_SIGNAL_REFUSED' });
    before.resolve();
    expect(await run.result()).toBe(7);
    expect((await bench.story('s')).filter((line) => line.startsWith('signal'))).toHaveLength(1);
  });

  test('a payload that the schema refuses is refused where it is sent, and stored nowhere', async () => {
    const definition = defineApproval();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await expect(bench.tempo.signal('s', 'approved', { by: 7 })).rejects.toMatchObject({
      code: 'MAKEGOOD_SAGA_INPUT',
      message: 'payload of signal "approved" is invalid: by: must be a string',
    });
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'waiting' });
    await bench.tempo.cancel('s');
  });

  test('nobody waits for it, it is being undone, or has ended: refused', async () => {
    const definition = defineApproval();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.settle();
    await expect(bench.tempo.signal('s', 'nothing')).rejects.toMatchObject({ code: 'MAKEGOOD_SIGNAL_REFUSED' });
    await bench.tempo.cancel('s');
    await bench.clock.settle();
    const ended = { code: 'MAKEGOOD_SAGA_ENDED' };
    await expect(bench.tempo.signal('s', 'approved', { by: 'ada' })).rejects.toMatchObject(ended);
  });

  test('no signal in time: the step has failed, and the saga is undone', async () => {
    const definition = defineApproval();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(3 * 86_400_000);
    expect(await run.outcome()).toMatchObject({
      status: 'compensated',
      reason: 'failed',
      failure: { code: 'MAKEGOOD_SIGNAL_TIMEOUT', step: 'approved' },
    });
  });
});

describe('when', () => {
  test('a step whose condition says no is skipped; the condition is asked once and kept', async () => {
    let asked = 0;
    const definition = saga('s')
      .input<{ gift: boolean }>()
      .step('wrap', {
        when: ({ input }) => (asked++, input.gift),
        run: () => 'wrapped',
        compensate: undo,
      })
      .step('ship', { run: ({ results }) => `${results.wrap ?? 'plain'} box`, compensate: undo })
      .output(({ results }) => results.ship);
    await using bench = await open([definition]);
    const plain = await bench.tempo.start(definition, { id: '1', input: { gift: false } });
    const gift = await bench.tempo.start(definition, { id: '2', input: { gift: true } });
    expect([await plain.result(), await gift.result()]).toEqual(['plain box', 'wrapped box']);
    expect(asked).toBe(2);
    expect((await bench.tempo.get('1'))?.steps[0]).toMatchObject({ state: 'skipped', attempts: 0 });
  });

  test('a condition that throws fails the step for certain: nothing was called', async () => {
    const definition = saga('s')
      .input<null>()
      .step('a', {
        when: () => {
          throw fault('bug');
        },
        run: () => expect.unreachable(),
        compensate: () => expect.unreachable(),
      })
      .output();
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: null });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { message: 'bug', step: 'a' } });
  });
});

describe('pin', () => {
  test('what a step was decided on is asked once and rides on every attempt, undoing included', async () => {
    let price = 'v7';
    const seen: unknown[] = [];
    const definition = saga('s')
      .input<null>()
      .step('charge', {
        pin: () => ({ price }),
        run: ({ pin, attempt }) => {
          seen.push(pin);
          price = 'v8';
          if (attempt < 3) throw fault('no answer');
        },
        compensate: ({ pin }) => void seen.push(pin),
        retry: stubborn(3),
      })
      .step('b', {
        run: () => {
          throw new TerminalError('no');
        },
        compensate: undo,
      })
      .output();
    await using bench = await open([definition]);
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(1000);
    expect(seen).toEqual(Array.from({ length: 4 }, () => ({ price: 'v7' })));
  });
});

const defineLabels = (log: string[], fails?: string) =>
  saga('s')
    .input<{ parcels: string[] }>()
    .forEach('label', ({ input }) => input.parcels, {
      run: async ({ item, place, idempotencyKey }) => {
        log.push(`label ${item}`);
        if (item === fails) throw new TerminalError('no paper');
        return `${place}:${item} ${idempotencyKey}`;
      },
      compensate: ({ item, output }) => void log.push(`undo ${item} ${output?.slice(0, 3)}`),
      concurrency: 2,
    })
    .output(({ results }) => results.label);

describe('forEach', () => {
  test('one step an item, at most so many at a time, their outputs in the order of the items', async () => {
    const log: string[] = [];
    const definition = defineLabels(log);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: { parcels: ['a', 'b', 'c'] } });
    expect(await run.result()).toEqual(['0:a s/label.0/action', '1:b s/label.1/action', '2:c s/label.2/action']);
    const view = await bench.tempo.get('s');
    expect(view?.steps.map(({ name, item }) => [name, item])).toEqual([
      ['label', undefined],
      ['label.0', 'a'],
      ['label.1', 'b'],
      ['label.2', 'c'],
    ]);
    const story = await bench.story('s');
    expect(story.indexOf('step-started label.2')).toBeGreaterThan(story.indexOf('step-confirmed label.0'));
  });

  test('an item that fails has every item undone that was done, and no other', async () => {
    const log: string[] = [];
    const definition = defineLabels(log, 'c');
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: 's', input: { parcels: ['a', 'b', 'c'] } });
    expect(await run.outcome()).toMatchObject({ status: 'compensated', failure: { step: 'label.2' } });
    expect(log).toEqual(['label a', 'label b', 'label c', 'undo b 1:b', 'undo a 0:a']);
  });

  test('no items: done at once; items that are no list: the step has failed', async () => {
    const definition = defineLabels([]);
    await using bench = await open([definition]);
    const run = await bench.tempo.start(definition, { id: '1', input: { parcels: [] } });
    expect(await run.result()).toEqual([]);
    const other = await bench.tempo.start(definition, { id: '2', input: { parcels: 7 } as never });
    expect(await other.outcome()).toMatchObject({
      status: 'compensated',
      failure: { message: 'Expected the items of step "label" to be an array, got number' },
    });
  });
});

describe("mode: 'saga-first'", () => {
  const define = (calls: [string, number][], error: () => Error) =>
    saga('s')
      .input<null>()
      .step('a', {
        mode: 'saga-first',
        run: () => {
          calls.push(['run', timer.monotonicMs()]);
          throw error();
        },
        compensate: () => void calls.push(['undo', timer.monotonicMs()]),
        maxFlight: 0,
      })
      .output();
  let timer: { monotonicMs(): number };

  test('transient: made again after 1, 2 and 4 s, then a person is asked; nothing is undone', async () => {
    const calls: [string, number][] = [];
    const definition = define(calls, () => fault('away', { status: 503 }));
    await using bench = await open([definition], { random: () => 1 - 2 ** -53 });
    timer = bench.clock;
    await bench.tempo.start(definition, { id: 's', input: null });
    await bench.clock.advance(30_000);
    expect(calls.map(([call, at]) => [call, Math.round(at)])).toEqual([
      ['run', 0],
      ['run', 1000],
      ['run', 3000],
      ['run', 7000],
    ]);
    expect(await bench.tempo.get('s')).toMatchObject({ status: 'needs-human' });
    await bench.tempo.cancel('s');
    await bench.clock.settle();
    expect(calls.at(-1)?.[0]).toBe('undo');
  });

  test('any other failure: undone at once; a definite refusal has nothing to undo', async () => {
    const calls: [string, number][] = [];
    const fatal = define(calls, () => new Error('bug'));
    await using bench = await open([fatal]);
    timer = bench.clock;
    await bench.tempo.start(fatal, { id: 's', input: null });
    await bench.clock.settle();
    expect(calls.map(([call]) => call)).toEqual(['run', 'undo']);
    const refusing: [string, number][] = [];
    const refused = define(refusing, () => new TerminalError('no'));
    await using other = await open([refused]);
    timer = other.clock;
    await other.tempo.start(refused, { id: 's', input: null });
    await other.clock.settle();
    expect(refusing.map(([call]) => call)).toEqual(['run']);
    expect(await other.tempo.get('s')).toMatchObject({ status: 'compensated' });
  });
});
