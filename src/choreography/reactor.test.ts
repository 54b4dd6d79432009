import { expect, test } from 'vitest';
import { exponential } from '../backoff/exponential.ts';
import { TerminalError } from '../saga/terminal-error.ts';
import { choreographyWorld } from '../testing/choreography-world.ts';
import type { ReactionOptions } from './reaction.ts';

const steady = exponential({ initialDelay: '1s', maxDelay: '1m', jitter: 'none' });

/** Fails as often as told, then works; keeps what it has seen and when. */
function unsteady(failures: number, seen: string[] = [], error: () => Error = () => new Error('not now')) {
  let left = failures;
  return {
    seen,
    run: ({ event, attempt }: { event: { id: string }; attempt: number }): void => {
      seen.push(`${event.id}#${attempt}`);
      if (left-- > 0) throw error();
    },
  };
}

test('an event takes effect once, however often the broker gives it', async () => {
  await using world = choreographyWorld();
  const seen: string[] = [];
  await world.open('stock', (stock) => stock.on('order.placed', { run: ({ event }) => void seen.push(event.id) }));
  for (let times = 0; times < 5; times++) await world.give({ id: 'e1', type: 'order.placed' });
  expect(seen).toEqual(['e1']);
});

test('a reaction that fails is retried 3 times after 1, 2 and 4 s, by events for it alone, then dead-lettered', async () => {
  await using world = choreographyWorld();
  const { seen, run } = unsteady(Infinity);
  const others: string[] = [];
  await world.open('stock', (stock) => stock.on('order.placed', { run, retry: { backoff: steady } }));
  await world.open('mail', (mail) => mail.on('order.placed', { run: ({ event }) => void others.push(event.id) }));
  const plain: string[] = [];
  await world.broker.subscribe({
    topic: 'sagas',
    group: 'plain',
    async handle({ message }) {
      plain.push(message.id);
      return { verdict: 'done' };
    },
  });
  await world.give({ id: 'e1', type: 'order.placed', data: { sku: 'tea' } });
  await world.clock.advance(1000);
  expect(seen).toEqual(['e1#1', 'e1#2']);
  await world.clock.advance(1999);
  expect(seen).toHaveLength(2);
  await world.clock.advance(4001);
  expect(seen).toEqual(['e1#1', 'e1#2', 'e1#3', 'e1#4']);
  await world.clock.advance(60_000);
  expect(seen).toHaveLength(4);
  expect([others, plain]).toEqual([['e1'], ['e1']]);
  const retries = world.published.filter(({ retryof }) => retryof === 'e1');
  expect(retries.map(({ retry, target, retryattempt }) => [retryattempt, retry?.backoffms, target])).toEqual([
    [1, 1000, 'stock'],
    [2, 2000, 'stock'],
    [3, 4000, 'stock'],
  ]);
  expect(retries.every(({ id, data }) => id !== 'e1' && (data as { sku: string }).sku === 'tea')).toBe(true);
  expect(world.deadLetters.map(({ headers }) => headers?.['makegood-reason'])).toEqual(['attempts-exhausted']);
  expect(world.told('choreography.dead-lettered')).toMatchObject([{ consumer: 'stock', id: 'e1' }]);
});

test('later events of its saga wait for one that is retried, and keep their order; other sagas go on', async () => {
  await using world = choreographyWorld();
  const { seen, run } = unsteady(1);
  await world.open('stock', (stock) => stock.on('order.placed', { run, retry: { backoff: steady } }));
  await world.give({ id: 'e1', type: 'order.placed' });
  for (const id of ['e2', 'e3']) await world.give({ id, type: 'order.placed' });
  await world.give({ id: 'f1', type: 'order.placed', sagaid: 'order-8' });
  expect(seen).toEqual(['e1#1', 'f1#1']);
  await world.clock.advance(1000);
  expect(seen).toEqual(['e1#1', 'f1#1', 'e1#2', 'e2#1', 'e3#1']);
});

test('a dead letter holds back its saga until it is redriven under its own id, or discarded', async () => {
  await using world = choreographyWorld();
  const { seen, run } = unsteady(2, [], () => new TerminalError('no such sku'));
  const stock = await world.open('stock', (it) => it.on('order.placed', { run }));
  await world.give({ id: 'e1', type: 'order.placed' });
  await world.give({ id: 'e2', type: 'order.placed' });
  expect(seen).toEqual(['e1#1']);
  const [letter] = await stock.waiting({ state: 'dead' });
  expect(letter).toMatchObject({ id: 'e1', sagaId: 'order-7', row: { reason: 'refused', detail: 'no such sku' } });
  if (letter === undefined) throw new Error('no letter');
  expect(await stock.redrive(letter)).toBe(true);
  expect(seen).toEqual(['e1#1', 'e1#1']);
  expect(await stock.discard(letter)).toBe(true);
  expect(await stock.discard(letter)).toBe(false);
  expect(seen).toEqual(['e1#1', 'e1#1', 'e2#1']);
});

test('what a reaction emits is published if it succeeds, with its cause, in its order, and not if it fails', async () => {
  await using world = choreographyWorld();
  let fails = true;
  const run: ReactionOptions<unknown, unknown, 'stock.reserved' | 'stock.low'>['run'] = ({ emit }) => {
    emit('stock.reserved', { left: 1 });
    emit('stock.low', null);
    if (fails) throw new Error('rolled back');
  };
  const emits = ['stock.reserved', 'stock.low'] as const;
  await world.open('stock', (stock) => stock.on('order.placed', { run, emits, retry: { backoff: steady } }));
  await world.give({ id: 'e1', type: 'order.placed' });
  const emitted = () => world.published.filter(({ type }) => type.startsWith('stock.'));
  expect(emitted()).toEqual([]);
  fails = false;
  await world.clock.advance(1000);
  expect(emitted()).toMatchObject([
    { type: 'stock.reserved', source: 'stock', sagaid: 'order-7', causationid: 'e1', correlationid: 'e1', hops: 1 },
    { type: 'stock.low', causationid: 'e1' },
  ]);
  // The retry event had taken number 1 of this source.
  expect(emitted().map(({ sequence }) => sequence)).toEqual([2, 3]);
});

test('a type that emits does not list is a mistake of the programmer, told by name', async () => {
  await using world = choreographyWorld();
  await world.open('stock', (stock) =>
    stock.on('order.placed', { run: ({ emit }) => emit('stock.gone' as never, 1), retry: { maxAttempts: 1 } }),
  );
  await world.give({ id: 'e1', type: 'order.placed' });
  expect(world.deadLetters[0]?.headers?.['makegood-detail']).toContain('to list "stock.gone"');
});

test('an event undoes what a reaction did, the last run first, with its output', async () => {
  await using world = choreographyWorld();
  const undone: unknown[] = [];
  await world.open('stock', (stock) =>
    stock.on('item.added', {
      run: ({ event }) => ({ reserved: event.id }),
      compensateOn: 'payment.failed',
      compensate: ({ output, because, emit, event }) => {
        undone.push([output, because.id, event.id]);
        emit('stock.released', output);
      },
      emits: ['stock.released'],
    }),
  );
  for (const id of ['e1', 'e2']) await world.give({ id, type: 'item.added' });
  await world.give({ id: 'p1', type: 'payment.failed', source: 'payments' });
  await world.give({ id: 'p1', type: 'payment.failed', source: 'payments' });
  expect(undone).toEqual([
    [{ reserved: 'e2' }, 'p1', 'e2'],
    [{ reserved: 'e1' }, 'p1', 'e1'],
  ]);
  expect(world.published.filter(({ type }) => type === 'stock.released').map(({ causationid }) => causationid)).toEqual(
    ['p1', 'p1'],
  );
});

test('undone before it ran, a reaction never runs: neither null compensation nor a late event takes effect', async () => {
  await using world = choreographyWorld();
  const calls: string[] = [];
  await world.open('stock', (stock) =>
    stock.on('order.placed', {
      run: () => void calls.push('run'),
      compensateOn: ['payment.failed'],
      compensate: () => void calls.push('compensate'),
    }),
  );
  await world.give({ id: 'p1', type: 'payment.failed', source: 'payments' });
  await world.give({ id: 'e1', type: 'order.placed' });
  expect(calls).toEqual([]);
  expect(world.told('choreography.reacted').map((told) => (told as { outcome: string }).outcome)).toEqual([
    'barred',
    'barred',
  ]);
});

test('a run that takes too long is told so by its signal, and counts as failed', async () => {
  await using world = choreographyWorld();
  await world.open('stock', (stock) =>
    stock.on('order.placed', {
      timeout: '5s',
      retry: { maxAttempts: 1 },
      run: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    }),
  );
  await world.give({ id: 'e1', type: 'order.placed' });
  await world.clock.advance(5000);
  expect(world.deadLetters[0]?.headers?.['makegood-detail']).toContain('exceeded its deadline of 5000 ms');
});

test('close waits for what is in hand, takes nothing more, and leaves no timer', async () => {
  const world = choreographyWorld();
  const work = Promise.withResolvers<void>();
  const seen: string[] = [];
  const stock = await world.open('stock', (it) =>
    it.on('order.placed', {
      run: async ({ event }) => {
        await work.promise;
        seen.push(event.id);
      },
    }),
  );
  await world.give({ id: 'e1', type: 'order.placed' });
  let closed = false;
  const closing = stock.close().then(() => void (closed = true));
  await world.give({ id: 'e2', type: 'order.placed', sagaid: 'order-8' });
  expect([closed, stock.state]).toEqual([false, 'closed']);
  work.resolve();
  await closing;
  await stock.close();
  expect(seen).toEqual(['e1']);
  await expect(stock.emit({ type: 'order.placed', sagaId: 'order-9', data: null })).rejects.toMatchObject({
    code: 'MAKEGOOD_CHOREOGRAPHY_CLOSED',
  });
  await world[Symbol.asyncDispose]();
  expect(world.clock.pendingTimers).toBe(0);
});

test('options are checked where they enter', () => {
  const world = choreographyWorld();
  const { run } = unsteady(0);
  const stock = world.reactor('stock');
  expect(() => stock.on('a', {} as never)).toThrow(
    new TypeError('Expected run of the reaction to "a" to be a function, got undefined'),
  );
  expect(() => stock.on('a', { run }).on('a', { run })).toThrow(
    new TypeError('Expected one reaction of "stock" to "a", got two'),
  );
  expect(() => stock.on('a', { run, compensateOn: 'b' })).toThrow('to be given together, got only one');
  expect(() => world.reactor('no name!')).toThrow(TypeError);
  expect(() => world.reactor('stock', { topic: 'a.b' })).toThrow(
    'Expected topic to be 1 to 200 of A-Z a-z 0-9 _ -, got "a.b"',
  );
});
