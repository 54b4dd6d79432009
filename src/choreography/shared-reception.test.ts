import { expect, test } from 'vitest';
import { TerminalError } from '../saga/terminal-error.ts';
import { choreographyWorld } from '../testing/choreography-world.ts';
import type { BrokerMessage } from './broker.ts';
import { encodeEvent } from './cloud-event.ts';
import { memoryLedger, type MemoryTransaction } from './memory-ledger.ts';
import type { OpenReactor } from './running-reactor.ts';

/** Orders that come at once, and a service that tells which transactions its runs had. */
function openShared(
  run: (sagaId: string) => void,
  { shared = 128, width = 20 }: { readonly shared?: number; readonly width?: number } = {},
) {
  const world = choreographyWorld();
  const ledger = memoryLedger({ clock: world.clock });
  const transactions = new Map<MemoryTransaction, string[]>();
  const seen: string[] = [];
  let running: OpenReactor<MemoryTransaction> | undefined;
  const open = async (): Promise<void> => {
    running = await world
      .reactor('stock', { ...ledger, shared })
      .on('order.placed', {
        emits: ['stock.reserved'],
        run({ transaction, sagaId, emit }) {
          transactions.set(transaction, [...(transactions.get(transaction) ?? []), sagaId]);
          seen.push(sagaId);
          run(sagaId);
          emit('stock.reserved', null);
        },
      })
      .open();
    await world.clock.settle();
  };
  const close = async (): Promise<void> => {
    await running?.close();
    await world[Symbol.asyncDispose]();
  };
  const messages = Array.from({ length: width }, (_, n): BrokerMessage => {
    const event = world.event({ id: `e${n}`, type: 'order.placed', sagaid: `order-${n}` });
    return { topic: 'sagas', key: event.sagaid, id: event.id, value: encodeEvent(event) };
  });
  const publish = async (): Promise<void> => {
    await world.broker.publish(messages);
    for (let turn = 0; turn < 10; turn++) await world.clock.settle();
  };
  const reserved = (): readonly string[] =>
    world.published.filter(({ type }) => type === 'stock.reserved').map(({ sagaid }) => sagaid);
  const sizes = (): readonly number[] => [...transactions.values()].map(({ length }) => length);
  return { world, ledger, open, publish, reserved, seen, sizes, [Symbol.asyncDispose]: close };
}

const orders = Array.from({ length: 20 }, (_, n) => `order-${n}`);

test('events of 20 sagas that come together share one transaction, in their order', async () => {
  await using services = openShared(() => undefined);
  await services.open();
  await services.publish();
  expect(services.sizes()).toEqual([20]);
  expect(services.seen).toEqual(orders);
  expect(services.reserved()).toEqual(orders);
});

test('shared: 1 gives each event a transaction of its own', async () => {
  await using services = openShared(() => undefined, { shared: 1 });
  await services.open();
  await services.publish();
  expect(services.sizes()).toEqual(orders.map(() => 1));
  expect(services.reserved()).toHaveLength(20);
});

test('one that fails counts for nobody else: the others take effect once, and it alone is given up', async () => {
  await using services = openShared((sagaId) => {
    if (sagaId === 'order-7') throw new TerminalError('no such sku');
  });
  await services.open();
  await services.publish();
  // The shared try came to the eighth; then each by itself.
  expect(services.sizes()).toEqual([8, ...orders.map(() => 1)]);
  expect(services.reserved().toSorted()).toEqual(orders.filter((id) => id !== 'order-7').toSorted());
  expect(services.world.deadLetters.map(({ key }) => key)).toEqual(['order-7']);
});

test('what a process has died with is run alone, one at a time, and not taken for what killed it', async () => {
  await using services = openShared(() => undefined);
  for (const n of [3, 4, 5])
    await services.ledger.inbox.transaction({ consumer: 'stock', sagaId: `order-${n}` }, async (session) => {
      const ordinal = await session.nextOrdinal();
      const since = session.now - 60_000;
      await session.saveDelivery(
        { source: 'shop', id: `e${n}` },
        { state: 'running', deliveries: 1, crashes: 0, ordinal, since },
      );
    });
  await services.open();
  await services.publish();
  expect(services.sizes().toSorted((one, other) => one - other)).toEqual([1, 1, 1, 17]);
  expect(services.reserved().toSorted()).toEqual(orders.toSorted());
});
