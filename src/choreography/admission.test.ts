import { expect, test } from 'vitest';
import { choreographyWorld } from '../testing/choreography-world.ts';
import { decideAdmission } from './decide-admission.ts';
import { NotYetError } from './choreography-errors.ts';

/** A reaction that keeps what it has seen. */
function attentive() {
  const seen: string[] = [];
  const run = ({ event, attempt }: { event: { id: string }; attempt: number }): void =>
    void seen.push(`${event.id}#${attempt}`);
  return { seen, run };
}

test('an expired event and one too many hops away are given up without a run, and hold back nobody', async () => {
  await using world = choreographyWorld();
  const { seen, run } = attentive();
  await world.open('stock', (stock) => stock.on('order.placed', { run }));
  const past = new Date(world.clock.now() - 2001).toISOString();
  const justNow = new Date(world.clock.now() - 1999).toISOString();
  await world.give({ id: 'late', type: 'order.placed', expirytime: past });
  await world.give({ id: 'loop', type: 'order.placed', hops: 33 });
  await world.give({ id: 'far', type: 'order.placed', hops: 32 });
  await world.give({ id: 'close', type: 'order.placed', expirytime: justNow });
  expect(seen).toEqual(['far#1', 'close#1']);
  expect(world.deadLetters.map(({ headers }) => headers?.['makegood-reason'])).toEqual(['expired', 'hop-limit']);
});

test('what cannot be read is dead-lettered with the reason, and what follows it goes on', async () => {
  await using world = choreographyWorld();
  const { seen, run } = attentive();
  await world.open('stock', (stock) => stock.on('order.placed', { run }));
  await world.broker.publish([{ topic: 'sagas', key: 'order-7', id: 'x', value: 'no JSON at all' }]);
  await world.give({ id: 'e1', type: 'order.placed' });
  expect(seen).toEqual(['e1#1']);
  expect(world.deadLetters).toMatchObject([
    { id: 'x', value: 'no JSON at all', headers: { 'makegood-reason': 'malformed' } },
  ]);
});

test('data that the schema refuses are dead-lettered at once, with what is wrong', async () => {
  await using world = choreographyWorld();
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'sku is missing' }] }) },
  } as const;
  await world.open('stock', (stock) => stock.on('order.placed', { run: () => undefined, schema }));
  await world.give({ id: 'e1', type: 'order.placed' });
  expect(world.deadLetters[0]?.headers).toMatchObject({ 'makegood-reason': 'refused' });
  expect(world.deadLetters[0]?.headers?.['makegood-detail']).toContain('sku is missing');
});

test('an event that died twice with its process is poison; a process that is just beginning is left alone', async () => {
  await using world = choreographyWorld();
  const { seen, run } = attentive();
  await world.open('stock', (stock) => stock.on('order.placed', { run }));
  await world.leftBy('a dead process', { id: 'e1', crashes: 1 });
  await world.give({ id: 'e1', type: 'order.placed' });
  expect([seen, world.deadLetters.length]).toEqual([[], 0]);
  await world.clock.advance(2000);
  expect(seen).toEqual([]);
  expect(world.deadLetters[0]?.headers?.['makegood-reason']).toBe('crashes');

  await world.leftBy('a dead process', { id: 'f1', crashes: 0, sagaid: 'order-8' });
  await world.clock.advance(2000);
  await world.give({ id: 'f1', type: 'order.placed', sagaid: 'order-8' });
  expect(seen).toEqual(['f1#1']);
});

test('an event begun 5 times without an end is poison', async () => {
  await using world = choreographyWorld();
  const { seen, run } = attentive();
  await world.open('stock', (stock) => stock.on('order.placed', { run }));
  await world.leftBy('redeliveries', { id: 'e1', crashes: 0, deliveries: 5, state: 'open' });
  await world.give({ id: 'e1', type: 'order.placed' });
  expect(seen).toEqual([]);
  expect(world.deadLetters[0]?.headers?.['makegood-reason']).toBe('deliveries');
});

test('an event that comes before what it needs is held without costing attempts, and given up after 30 s', async () => {
  await using world = choreographyWorld();
  let known = false;
  const seen: number[] = [];
  await world.open('stock', (stock) =>
    stock.on('order.changed', {
      run: ({ attempt }) => {
        seen.push(attempt);
        if (!known) throw new NotYetError('order 7 is not known here');
      },
    }),
  );
  await world.give({ id: 'e1', type: 'order.changed' });
  await world.clock.advance(10_000);
  known = true;
  await world.clock.advance(1000);
  expect(new Set(seen)).toEqual(new Set([1]));
  expect(world.told('choreography.reacted')).toHaveLength(1);
  known = false;
  await world.give({ id: 'e2', type: 'order.changed' });
  await world.clock.advance(29_000);
  expect(world.deadLetters).toEqual([]);
  await world.clock.advance(2000);
  expect(world.deadLetters[0]?.headers?.['makegood-reason']).toBe('not-yet');
});

test('an event for an older version of the entity is passed over, one for a newer is held', async () => {
  await using world = choreographyWorld();
  let version = 3;
  const { seen, run } = attentive();
  await world.open('stock', (stock) => stock.on('price.set', { run, entityVersion: () => version }));
  await world.give({ id: 'old', type: 'price.set', expectedversion: 2 });
  await world.give({ id: 'now', type: 'price.set', expectedversion: 3 });
  await world.give({ id: 'new', type: 'price.set', expectedversion: 4 });
  expect(seen).toEqual(['now#1']);
  version = 4;
  await world.clock.advance(1000);
  expect(seen).toEqual(['now#1', 'new#1']);
});

test('an event of an unknown version waits for a service that knows it, and its saga waits with it', async () => {
  await using world = choreographyWorld();
  const { seen, run } = attentive();
  const first = await world.open('stock', (stock) => stock.on('order.placed', { run }));
  await world.give({ id: 'e1', type: 'order.placed', dataversion: '2' });
  await world.give({ id: 'e2', type: 'order.placed' });
  expect(seen).toEqual([]);
  expect(await first.waiting({ state: 'parked', reason: 'unsupported-version' })).toHaveLength(1);
  await first.close();
  await world.open('stock', (stock) => stock.on('order.placed', { run, versions: ['1', '2'] }));
  await world.clock.advance(500);
  expect(seen).toEqual(['e1#1', 'e2#1']);
});

test('a delivery is counted before it begins, and a crash when it is found begun', async () => {
  await using world = choreographyWorld();
  const rules = {
    maxDeliveries: 5,
    maxCrashes: 2,
    maxHops: 32,
    skewAllowanceMs: 0,
    isSupported: true,
    isItsTurn: false,
  };
  const given = world.event({ type: 'order.placed' });
  const first = decideAdmission(given, undefined, { parked: 0 }, rules, 1000, 1);
  const begun = { state: 'running', deliveries: 1, crashes: 0, ordinal: 1, since: 1000 } as const;
  expect(first).toEqual({ admit: 'run', row: begun });
  expect(decideAdmission(given, begun, { parked: 0 }, rules, 2999, 2)).toEqual({ admit: 'busy', afterMs: 2000 });
  const row = { ...begun, deliveries: 2, crashes: 1, since: 3000 };
  expect(decideAdmission(given, begun, { parked: 0 }, rules, 3000, 2)).toEqual({ admit: 'run', row });
});
