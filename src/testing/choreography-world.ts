import type { Broker, BrokerMessage } from '../choreography/broker.ts';
import type { ChoreographyEvent } from '../choreography/choreography-events.ts';
import { type CloudEvent, decodeEvent, encodeEvent } from '../choreography/cloud-event.ts';
import type { DeliveryRow } from '../choreography/inbox.ts';
import { memoryBroker } from '../choreography/memory-broker.ts';
import { type MemoryLedger, memoryLedger, type MemoryTransaction } from '../choreography/memory-ledger.ts';
import { reactor, type Reactor, type ReactorOptions } from '../choreography/reactor.ts';
import type { OpenReactor } from '../choreography/running-reactor.ts';
import { seededRandom } from '../ports/random.ts';
import { type TestClock, testClock } from './test-clock.ts';

/** What is to be known of an event; the rest is made up. */
export type PartialEvent = Pick<CloudEvent, 'type'> & Partial<CloudEvent>;

/** Services, their broker and their databases, all in memory, on a clock that is moved by hand. */
export interface ChoreographyWorld extends AsyncDisposable {
  readonly clock: TestClock;
  readonly broker: Broker;
  /** Every event that was published to the topic, and every message to its dead letters. */
  readonly published: readonly CloudEvent[];
  readonly deadLetters: readonly BrokerMessage[];
  /** A service whose database lives as long as the world; opened again, it finds it as it was. */
  reactor(name: string, options?: Partial<ReactorOptions<MemoryTransaction>>): Reactor<MemoryTransaction>;
  open(
    name: string,
    define: (service: Reactor<MemoryTransaction>) => Reactor<MemoryTransaction>,
  ): Promise<OpenReactor<MemoryTransaction>>;
  event(event: PartialEvent): CloudEvent;
  /** Publishes an event from elsewhere, and lets everything that follows at once happen. */
  give(event: PartialEvent): Promise<void>;
  /** Puts a delivery into the inbox of `stock` as a process that died has left it. */
  leftBy(whom: string, row: Partial<DeliveryRow> & { readonly id: string; readonly sagaid?: string }): Promise<void>;
  told(type: ChoreographyEvent['type']): readonly ChoreographyEvent[];
}

/**
 * A world for tests of choreographies: nothing in it is real but the code under test.
 *
 * @example
 * await using world = choreographyWorld();
 * await world.open('stock', (stock) => stock.on('order.placed', { run: ({ data }) => console.log(data) }));
 * await world.give({ type: 'order.placed', data: { sku: 'tea' } });
 * world.published.length // => 1
 */
export function choreographyWorld(): ChoreographyWorld {
  const clock = testClock();
  const random = seededRandom(1);
  const events: ChoreographyEvent[] = [];
  const observer = (event: ChoreographyEvent): void => void events.push(event);
  const broker = memoryBroker({ clock, observer });
  const published: CloudEvent[] = [];
  const deadLetters: BrokerMessage[] = [];
  const record = (topic: string, keep: (message: BrokerMessage) => void): void =>
    void broker.subscribe({
      topic,
      group: 'recorder',
      watching: true,
      // With more, the order of publication would be lost between sagas.
      concurrency: 1,
      async handle({ message }) {
        keep(message);
        return { verdict: 'done' };
      },
    });
  record('sagas.dlq', (message) => void deadLetters.push(message));
  record('sagas', ({ value }) => void (value.startsWith('{') && published.push(decodeEvent(value))));
  const ledgers = new Map<string, MemoryLedger>();
  const opened: OpenReactor<MemoryTransaction>[] = [];
  let made = 0;
  const ledgerOf = (name: string): MemoryLedger => {
    const ledger = ledgers.get(name) ?? memoryLedger({ clock });
    ledgers.set(name, ledger);
    return ledger;
  };
  const world: ChoreographyWorld = {
    clock,
    broker,
    published,
    deadLetters,
    reactor: (name, options = {}) =>
      reactor(name, {
        broker,
        ...ledgerOf(name),
        clock,
        random,
        observer,
        newId: () => `${name}-${++made}`,
        ...options,
      }),
    async open(name, define) {
      const running = await define(world.reactor(name)).open();
      opened.push(running);
      await clock.settle();
      return running;
    },
    event: (event) => ({
      specversion: '1.0',
      id: `given-${++made}`,
      source: 'shop',
      sagaid: 'order-7',
      sequence: ++made,
      time: new Date(clock.now()).toISOString(),
      data: null,
      ...event,
    }),
    async give(partial) {
      const event = world.event(partial);
      await broker.publish([{ topic: 'sagas', key: event.sagaid, id: event.id, value: encodeEvent(event) }]);
      await clock.settle();
      await clock.settle();
    },
    async leftBy(_, { id, sagaid = 'order-7', ...row }) {
      const { inbox } = ledgerOf('stock');
      await inbox.transaction({ consumer: 'stock', sagaId: sagaid }, async (session) => {
        const ordinal = await session.nextOrdinal();
        const since = session.now;
        const left = { state: 'running' as const, deliveries: 1, crashes: 0, ordinal, since, ...row };
        await session.saveDelivery({ source: 'shop', id }, left);
      });
    },
    told: (type) => events.filter((event) => event.type === type),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((running) => running.close()));
      await broker.close();
    },
  };
  return world;
}
