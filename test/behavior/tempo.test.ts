import { expect, test } from 'vitest';
import { constant } from '../../src/backoff/index.ts';
import { memoryJournal } from '../../src/journal/index.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import {
  openTempo,
  SagaCompensatedError,
  SagaConflictError,
  SagaNeedsHumanError,
  TempoClosedError,
} from '../../src/tempo/index.ts';
import { testClock } from '../../src/testing/test-clock.ts';

interface Order {
  readonly sku: string;
  readonly decline?: boolean;
}

/** An order saga whose participants are arrays: what was called stands in `calls`. */
function orders(): { readonly calls: string[]; readonly placeOrder: ReturnType<typeof definePlaceOrder> } {
  const calls: string[] = [];
  return { calls, placeOrder: definePlaceOrder(calls) };
}

function definePlaceOrder(calls: string[]) {
  return saga('place-order')
    .input<Order>()
    .step('reserve', {
      run: async ({ input, idempotencyKey }) => {
        calls.push(`reserve ${idempotencyKey}`);
        return { reservation: `r-${input.sku}` };
      },
      compensate: ({ output }) => void calls.push(`release ${output?.reservation}`),
    })
    .step('charge', {
      run: async ({ input, results }) => {
        calls.push(`charge ${results.reserve.reservation}`);
        if (input.decline === true) throw new TerminalError('card declined', { code: 'CARD_DECLINED' });
        return { payment: 'p-1' };
      },
      compensate: ({ output }) => void calls.push(`refund ${output?.payment}`),
    })
    .pivot('ship', { run: () => ({ tracking: 't-1' }) })
    .output(({ results }) => ({ tracking: results.ship.tracking }));
}

test('a saga runs its steps in order, each with its key, and gives its output', async () => {
  const { calls, placeOrder } = orders();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [placeOrder] });
  const run = await tempo.start(placeOrder, { id: 'o-1', input: { sku: 'tea' } });
  expect(await run.result()).toEqual({ tracking: 't-1' });
  expect(calls).toEqual(['reserve o-1/reserve/action', 'charge r-tea']);
  expect(await run.outcome()).toEqual({ status: 'completed', output: { tracking: 't-1' } });
});

test('a definite refusal undoes what was done, not what was refused', async () => {
  const { calls, placeOrder } = orders();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [placeOrder] });
  const run = await tempo.start(placeOrder, { id: 'o-1', input: { sku: 'tea', decline: true } });
  const error = await run.result().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SagaCompensatedError);
  expect(error).toMatchObject({
    code: 'MAKEGOOD_SAGA_COMPENSATED',
    reason: 'failed',
    failure: { code: 'CARD_DECLINED', step: 'charge' },
  });
  expect(String(error)).toContain('saga "o-1" was undone: step "charge" failed: card declined (CARD_DECLINED)');
  expect(calls).toEqual(['reserve o-1/reserve/action', 'charge r-tea', 'release r-tea']);
});

test('history tells every attempt in order, and get shows the saga', async () => {
  const { placeOrder } = orders();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [placeOrder] });
  await (await tempo.start(placeOrder, { id: 'o-1', input: { sku: 'tea', decline: true } })).outcome();
  const history = await tempo.history('o-1');
  expect(history.map((record) => record.type)).toEqual([
    'saga-started',
    'step-started',
    'step-confirmed',
    'step-started',
    'step-failed',
    'saga-compensating',
    'compensation-started',
    'step-compensated',
    'saga-compensated',
  ]);
  expect(await tempo.get('o-1')).toMatchObject({
    status: 'compensated',
    reason: 'failed',
    steps: [
      { name: 'reserve', state: 'compensated', attempts: 1, compensation: { attempts: 1 } },
      { name: 'charge', state: 'failed', failure: { code: 'CARD_DECLINED' } },
      { name: 'ship', state: 'pending', attempts: 0 },
    ],
  });
  expect((await tempo.list({ status: 'compensated' })).items.map(({ id }) => id)).toEqual(['o-1']);
  expect(await tempo.get('nobody')).toBeUndefined();
});

test('starting the same id with the same request gives the same saga and drives nothing again', async () => {
  const { calls, placeOrder } = orders();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [placeOrder] });
  const start = () => tempo.start(placeOrder, { id: 'o-1', input: { sku: 'tea' } });
  const [first, second] = await Promise.all([start(), start()]);
  await first.result();
  const third = await start();
  expect([first.created, second.created, third.created]).toEqual([true, false, false]);
  expect(await second.result()).toEqual({ tracking: 't-1' });
  expect(await third.result()).toEqual({ tracking: 't-1' });
  expect(calls).toHaveLength(2);
});

test('the same id with another request is refused, while it runs and after its end', async () => {
  const { placeOrder } = orders();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [placeOrder] });
  const run = await tempo.start(placeOrder, { id: 'o-1', input: { sku: 'tea' } });
  await expect(tempo.start(placeOrder, { id: 'o-1', input: { sku: 'rum' } })).rejects.toThrow(SagaConflictError);
  await run.result();
  await expect(tempo.start(placeOrder, { id: 'o-1', input: { sku: 'rum' } })).rejects.toThrow(
    'saga "o-1" exists with another input; use a new id for a new request',
  );
});

/** A saga of one step that behaves as told, on a test clock. */
function oneStep(run: () => unknown, compensate: () => unknown = () => undefined, maxFlight: '0ms' | '30s' = '30s') {
  const clock = testClock();
  const retry = { maxAttempts: 3, backoff: constant(1000), retryable: () => true };
  const definition = saga('one')
    .input<null>()
    .step('first', { run: () => 1, compensate })
    .step('only', { run, compensate: () => undefined, retry, maxFlight })
    .output();
  return { clock, definition, open: () => openTempo({ journal: memoryJournal(), sagas: [definition], clock }) };
}

test('a failed attempt is made again after its backoff, on a timer that the log knows', async () => {
  let calls = 0;
  const { clock, definition, open } = oneStep(() => {
    calls++;
    if (calls < 3) throw new Error(`failure ${calls}`);
    return 'done';
  });
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null });
  await clock.settle();
  expect(calls).toBe(1);
  expect((await tempo.get('s'))?.steps[1]).toMatchObject({
    state: 'running',
    attempts: 1,
    nextAttemptAt: clock.now() + 1000,
  });
  await clock.advance(999);
  expect(calls).toBe(1);
  await clock.advance(1001);
  expect(calls).toBe(3);
  expect(await run.outcome()).toMatchObject({ status: 'completed' });
  expect(clock.pendingTimers).toBe(0);
});

test('a compensation is made 4 times, after 1 s, 2 s and 4 s at most, and then a person is asked', async () => {
  const undone: number[] = [];
  const { clock, definition, open } = oneStep(
    () => {
      throw new TerminalError('no');
    },
    () => {
      undone.push(clock.monotonicMs());
      throw new Error('the callee is away');
    },
  );
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null });
  await clock.runAll();
  expect(undone).toHaveLength(4);
  undone.slice(1).forEach((at, index) => {
    const waited = at - (undone[index] ?? 0);
    expect(waited).toBeGreaterThanOrEqual(500 * 2 ** index);
    expect(waited).toBeLessThanOrEqual(1000 * 2 ** index + 1);
  });
  expect(await run.outcome()).toMatchObject({ status: 'needs-human', failure: { code: 'TERMINAL', step: 'only' } });
  await expect(run.result()).rejects.toThrow(SagaNeedsHumanError);
  expect((await tempo.list({ status: 'needs-human' })).items).toHaveLength(1);
});

test('an attempt that outlives its time-out is aborted; nothing is undone while it may still be on its way', async () => {
  const { promise: never } = Promise.withResolvers<void>();
  const undone: number[] = [];
  const clock = testClock();
  const deaf = saga('deaf')
    .input<null>()
    .step('deaf', {
      run: () => never,
      compensate: () => undone.push(clock.monotonicMs()),
      timeout: '2s',
      maxFlight: '30s',
      retry: { maxAttempts: 1 },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [deaf], clock });
  const run = await tempo.start(deaf, { id: 's', input: null });
  await clock.advance(31_000);
  expect(undone).toEqual([]);
  expect(await tempo.get('s')).toMatchObject({ status: 'compensating', steps: [{ state: 'unknown' }] });
  await clock.advance(1500);
  expect(undone).toEqual([32_000]);
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
});

test('a handler that listens to its signal is undone at once, with the deadline as the reason of the abort', async () => {
  const clock = testClock();
  const reasons: unknown[] = [];
  const polite = saga('polite')
    .input<null>()
    .step('polite', {
      run: ({ signal }) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason as Error);
          });
        }),
      compensate: ({ output }) => reasons.push(output),
      timeout: '2s',
      retry: { maxAttempts: 1 },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [polite], clock });
  const run = await tempo.start(polite, { id: 's', input: null });
  await clock.advance(2000);
  expect(reasons).toMatchObject([{ code: 'MAKEGOOD_DEADLINE_EXCEEDED' }, undefined]);
  expect(await run.outcome()).toMatchObject({ status: 'compensated' });
});

test('the saga deadline ends the forward way: no attempt after it, and what was done is undone', async () => {
  const { clock, definition, open } = oneStep(() => {
    throw new Error('not yet');
  });
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null, deadline: '1500ms' });
  await clock.runAll();
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'deadline' });
  expect((await tempo.get('s'))?.steps[1]).toMatchObject({ attempts: 2 });
});

test('steps of parallel start together, and a failure waits for its siblings before it undoes them', async () => {
  const order: string[] = [];
  const clock = testClock();
  const both = saga('both')
    .input<null>()
    .parallel((branch) => ({
      slow: branch({
        run: () => new Promise<string>((resolve) => clock.setTimer(500, () => resolve('slow'))),
        compensate: ({ output }) => order.push(`undo ${output}`),
      }),
      bad: branch({
        run: () => {
          order.push('bad');
          throw new TerminalError('no');
        },
        compensate: () => order.push('undo bad'),
      }),
    }))
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [both], clock });
  const run = await tempo.start(both, { id: 's', input: null });
  await clock.advance(400);
  expect(order).toEqual(['bad']);
  await clock.advance(100);
  expect(order).toEqual(['bad', 'undo slow']);
  expect(await run.outcome()).toMatchObject({ status: 'compensated' });
});

test('past the pivot a saga only goes forward: exhausted attempts ask a person, and nothing is undone', async () => {
  const undone: string[] = [];
  const clock = testClock();
  const forward = saga('forward')
    .input<null>()
    .step('a', { run: () => 1, compensate: () => undone.push('a') })
    .pivot('ship', { run: () => 2 })
    .step('notify', {
      run: () => {
        throw new TerminalError('no such address');
      },
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [forward], clock });
  const run = await tempo.start(forward, { id: 's', input: null });
  expect(await run.outcome()).toMatchObject({ status: 'needs-human', failure: { step: 'notify' } });
  expect(undone).toEqual([]);
});

test('draining lets the attempt in flight end, starts no other, and refuses new sagas', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<string>();
  let second = 0;
  const two = saga('two')
    .input<null>()
    .step('first', { run: () => gate, compensate: () => undefined })
    .step('second', { run: () => ++second, compensate: () => undefined })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [two] });
  const run = await tempo.start(two, { id: 's', input: null });
  const outcome = run.outcome().catch((error: unknown) => error);
  const drained = tempo.drain();
  await expect(tempo.start(two, { id: 't', input: null })).rejects.toThrow(TempoClosedError);
  open('first is done');
  await drained;
  expect((await tempo.history('s')).map(({ type }) => type)).toEqual([
    'saga-started',
    'step-started',
    'step-confirmed',
  ]);
  await tempo.close();
  expect(await outcome).toBeInstanceOf(TempoClosedError);
  expect(second).toBe(0);
});

test('no more sagas work at once than concurrency allows, and all of them finish', async () => {
  let working = 0;
  let most = 0;
  const busy = saga('busy')
    .input<number>()
    .step('work', {
      run: async () => {
        most = Math.max(most, ++working);
        await Promise.resolve();
        await Promise.resolve();
        working--;
      },
      readOnly: true,
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [busy], concurrency: 3 });
  const runs = await Promise.all(Array.from({ length: 20 }, (_, index) => tempo.start(busy, { input: index })));
  await Promise.all(runs.map((run) => run.result()));
  expect(most).toBe(3);
});

test("waiting for a saga ends with the caller's own reason when its signal aborts, and the saga goes on", async () => {
  const { clock, definition, open } = oneStep(() => {
    throw new Error('not yet');
  });
  await using tempo = await open();
  const run = await tempo.start(definition, { id: 's', input: null });
  const controller = new AbortController();
  const result = run.result({ signal: controller.signal });
  controller.abort('enough');
  await expect(result).rejects.toBe('enough');
  await clock.runAll();
  expect(await run.outcome()).toMatchObject({ status: 'compensated', reason: 'attempts-exhausted' });
});

test('an input that its schema refuses, or JSON cannot carry, is refused before anything is stored', async () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'string' ? { value } : { issues: [{ message: 'expected a string', path: ['name'] }] },
    },
  };
  const strict = saga('strict')
    .input(schema)
    .step('a', { run: ({ input }) => input, readOnly: true })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [strict] });
  await expect(tempo.start(strict, { id: 's', input: 1 as unknown as string })).rejects.toThrow(
    'input of saga "strict" is invalid: name: expected a string',
  );
  const loose = saga('loose')
    .input<unknown>()
    .step('a', { run: () => 1, readOnly: true })
    .output();
  await using other = await openTempo({ journal: memoryJournal(), sagas: [loose] });
  await expect(other.start(loose, { id: 's', input: 1n })).rejects.toThrow(TypeError);
  expect(await tempo.get('s')).toBeUndefined();
});
