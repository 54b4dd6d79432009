import { expect, test, vi } from 'vitest';
import { memoryJournal } from '../../src/journal/index.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import {
  openTempo,
  SagaCompensatedError,
  SagaConflictError,
  type SagaEvent,
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

test('headers reach every handler as they were at the start, and cannot be changed on the way', async () => {
  const seen: unknown[] = [];
  const traced = saga('traced')
    .input<null>()
    .step('a', { run: ({ headers }) => seen.push(headers), compensate: ({ headers }) => seen.push(headers) })
    .step('b', {
      run: () => {
        throw new TerminalError('no');
      },
      readOnly: true,
    })
    .output();
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [traced] });
  const headers = { tenant: 'acme' };
  const run = await tempo.start(traced, { input: null, headers });
  headers.tenant = 'other';
  await run.outcome();
  expect(seen).toEqual([{ tenant: 'acme' }, { tenant: 'acme' }]);
  expect(seen.every(Object.isFrozen)).toBe(true);
});

test('the observer is told every record once it is durable, and what it throws does not reach the saga', async () => {
  const { placeOrder } = orders();
  const journal = memoryJournal();
  const told: string[] = [];
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  const observer = (event: SagaEvent): void => {
    if (event.type === 'saga.record') told.push(event.record.type);
    throw new Error('bug in an observer');
  };
  await using tempo = await openTempo({ journal, sagas: [placeOrder], observer });
  const run = await tempo.start(placeOrder, { id: 'o-1', input: { sku: 'tea' } });
  expect(await run.result()).toEqual({ tracking: 't-1' });
  expect(told).toEqual((await tempo.history('o-1')).map(({ type }) => type));
  expect(warn).toHaveBeenCalledOnce();
  warn.mockRestore();
});
