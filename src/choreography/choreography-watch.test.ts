import { expect, test } from 'vitest';
import { exponential } from '../backoff/exponential.ts';
import { TerminalError } from '../saga/terminal-error.ts';
import { choreographyWorld } from '../testing/choreography-world.ts';
import { watchChoreography } from './choreography-watch.ts';

/** A shop of three services, whose bank refuses what it is told to, and its watcher. */
async function watchedShop() {
  const world = choreographyWorld();
  const bank = { failures: 0, refuses: false, isBroken: false };
  const stock = world.reactor('stock').on('order.placed', {
    run: ({ emit }) => emit('stock.reserved', null),
    emits: ['stock.reserved', 'stock.released'],
    compensateOn: 'payment.refused',
    compensate: ({ emit }) => emit('stock.released', null),
  });
  const payments = world.reactor('payments').on('stock.reserved', {
    retry: { backoff: exponential({ initialDelay: '1s', jitter: 'none' }) },
    run({ emit }) {
      if (bank.isBroken) throw new TerminalError('the bank is gone');
      if (bank.failures-- > 0) throw new Error('the bank is busy');
      emit(bank.refuses ? 'payment.refused' : 'payment.done', null);
    },
    emits: ['payment.done', 'payment.refused'],
  });
  const mail = world.reactor('mail').on('payment.done', { run: () => undefined });
  const services = [stock, payments, mail];
  const plan = { name: 'order', begins: 'order.placed', services: services.map((service) => service.describe()) };
  const watch = await watchChoreography({ broker: world.broker, plan });
  for (const service of services) await world.open(service.name, () => service);
  const place = (): Promise<void> => world.give({ id: 'o1', type: 'order.placed', data: { sku: 'tea' } });
  const steps = () => watch.get('order-7')?.steps.map(({ name, state, attempts }) => `${name} ${state} ${attempts}`);
  return { world, bank, watch, place, steps };
}

test('a saga that goes through is shown completed, with every step', async () => {
  const { world, watch, place, steps } = await watchedShop();
  await place();
  expect(watch.get('order-7')).toMatchObject({ name: 'order', status: 'completed', input: { sku: 'tea' } });
  expect(steps()).toEqual([
    'stock/order.placed confirmed 1',
    'payments/stock.reserved confirmed 1',
    'mail/payment.done confirmed 1',
  ]);
  expect(watch.history('order-7').map(({ type, service }) => `${service} ${type}`)).toEqual([
    'shop order.placed',
    'stock stock.reserved',
    'payments payment.done',
  ]);
  await world[Symbol.asyncDispose]();
});

test('a retry is shown with its attempts and its failure, and then as done', async () => {
  const { world, bank, watch, place, steps } = await watchedShop();
  bank.failures = 2;
  await place();
  await world.clock.advance(1000);
  expect(watch.get('order-7')?.status).toBe('running');
  expect(watch.get('order-7')?.steps[1]).toMatchObject({ attempts: 2, failure: { message: 'the bank is busy' } });
  await world.clock.advance(2000);
  expect(steps()?.[1]).toBe('payments/stock.reserved confirmed 3');
  expect(watch.get('order-7')?.status).toBe('completed');
  await world[Symbol.asyncDispose]();
});

test('a saga that is undone is shown compensated', async () => {
  const { world, bank, watch, place, steps } = await watchedShop();
  bank.refuses = true;
  await place();
  expect(watch.get('order-7')?.status).toBe('compensated');
  expect(steps()).toEqual(['stock/order.placed compensated 1', 'payments/stock.reserved confirmed 1']);
  expect(watch.list({ status: 'compensated' }).map(({ id }) => id)).toEqual(['order-7']);
  await world[Symbol.asyncDispose]();
});

test('a dead letter makes the saga a person’s, with the reason in its history', async () => {
  const { world, bank, watch, place, steps } = await watchedShop();
  bank.isBroken = true;
  await place();
  expect(watch.get('order-7')).toMatchObject({
    status: 'needs-human',
    failure: { code: 'refused', message: 'the bank is gone' },
  });
  expect(steps()?.[1]).toBe('payments/stock.reserved needs-human 1');
  expect(watch.history('order-7').at(-1)).toMatchObject({
    service: 'payments',
    note: 'dead letter: refused, the bank is gone',
  });
  await world[Symbol.asyncDispose]();
});

test('keeps so many sagas, the quiet ones go first', async () => {
  const world = choreographyWorld();
  const plan = { name: 'order', begins: 'order.placed', services: [] };
  const watch = await watchChoreography({ broker: world.broker, plan, limit: 2 });
  for (const sagaid of ['a', 'b', 'a', 'c']) await world.give({ type: 'order.placed', sagaid });
  expect(watch.list().map(({ id }) => id)).toEqual(['c', 'a']);
  await expect(watchChoreography({ broker: world.broker, plan, limit: 0 })).rejects.toThrow(RangeError);
  await world[Symbol.asyncDispose]();
});
