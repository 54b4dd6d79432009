import type { Broker, BrokerMessage, Delivery, SubscribeOptions, Verdict } from '../choreography/broker.ts';
import { deadLetterHeaders, deadLetterTopic, redriven } from '../choreography/broker.ts';
import { ChoreographyClosedError } from '../choreography/choreography-errors.ts';
import { systemClock } from '../ports/system-clock.ts';
import { sleepMs } from '../time/sleep.ts';

/** How a suite gets at brokers of the kind under test. */
export interface BrokerHarness {
  /** A connection to the broker, with nothing in the topics that the suite names. */
  readonly open: () => Promise<Broker>;
  /** A topic that nobody has used. */
  readonly topic: () => string;
  /** Kills the server and starts it again; absent when there is none. */
  readonly restart?: () => Promise<void>;
  /** Stops the server from answering, without closing anything, until what it gives is called; absent when there is none. */
  readonly hang?: () => () => void;
}

/** One promise of {@link Broker}, and how to find out whether an implementation keeps it. */
export interface BrokerCheck {
  /** The promise, as a test is named. */
  readonly name: string;
  /** Resolves when it is kept, rejects with what was seen instead. */
  readonly run: (harness: BrokerHarness) => Promise<void>;
}

const done: Verdict = { verdict: 'done' };
const patienceMs = 60_000;

function same(actual: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  throw new Error(`Expected ${what} to be ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

function pause(ms: number): Promise<void> {
  return sleepMs(ms, systemClock, undefined);
}

/** Waits until something holds: real servers take real time. */
async function until(holds: () => boolean, what: string): Promise<void> {
  for (const startedMs = systemClock.monotonicMs(); !holds(); await pause(10))
    if (systemClock.monotonicMs() - startedMs > patienceMs) throw new Error(`Waited ${patienceMs} ms in vain: ${what}`);
}

function message(topic: string, key: string, id: string, value = id): BrokerMessage {
  return { topic, key, id, value };
}

/** A consumer that keeps what it is given. */
class Listener {
  readonly ids: string[] = [];
  readonly deliveries: Delivery[] = [];
  private readonly judge: (delivery: Delivery, seen: number) => Verdict | Promise<Verdict>;

  constructor(judge: Listener['judge'] = () => done) {
    this.judge = judge;
  }

  readonly handle: SubscribeOptions['handle'] = async (delivery) => {
    this.ids.push(delivery.message.id);
    this.deliveries.push(delivery);
    return this.judge(delivery, this.ids.filter((id) => id === delivery.message.id).length);
  };

  async sees(count: number, what: string): Promise<void> {
    await until(() => new Set(this.ids).size >= count, `${what} (${new Set(this.ids).size} of ${count})`);
  }
}

const promises: Readonly<Record<string, BrokerCheck['run']>> = {
  'every group is given every message, whole, also one that comes later': async ({ open, topic }) => {
    await using broker = await open();
    const name = topic();
    const early = new Listener();
    const late = new Listener();
    await broker.subscribe({ topic: name, group: 'early', handle: early.handle });
    const value = `é 😀 "quoted" ${'x'.repeat(100_000)}`;
    const headers = { 'x-tenant': 'a b', traceparent: '00-1-2-01' };
    await broker.publish([{ ...message(name, 'k1', '1', value), headers }, message(name, 'k2', '2')]);
    await early.sees(2, 'the early group');
    await broker.subscribe({ topic: name, group: 'late', handle: late.handle });
    await late.sees(2, 'the late group');
    for (const { deliveries } of [early, late]) {
      const first = deliveries.find(({ message: { id } }) => id === '1')?.message;
      same([first?.topic, first?.key, first?.value, first?.headers?.['x-tenant']], [name, 'k1', value, 'a b'], 'it');
    }
  },
  'messages of a key come in order and one at a time, of several keys at once, within the bound': async (harness) => {
    await using broker = await harness.open();
    const topic = harness.topic();
    const [keys, each, concurrency] = [12, 15, 4];
    const inHand = new Set<string>();
    let most = 0;
    const orders = new Map<string, string[]>();
    const listener = new Listener(async ({ message: { key, id } }) => {
      if (inHand.has(key)) throw new Error(`two messages of ${key} at once`);
      inHand.add(key);
      most = Math.max(most, inHand.size);
      await pause(3);
      inHand.delete(key);
      orders.set(key, [...(orders.get(key) ?? []), id]);
      return done;
    });
    await broker.subscribe({ topic, group: 'g', handle: listener.handle, concurrency });
    for (let n = 0; n < each; n++)
      await broker.publish(Array.from({ length: keys }, (_, k) => message(topic, `k${k}`, `k${k}-${n}`)));
    await listener.sees(keys * each, 'all messages');
    await until(() => inHand.size === 0, 'the last one ends');
    const expected = (key: string): string[] => Array.from({ length: each }, (_, n) => `${key}-${n}`);
    for (const [key, ids] of orders) same([...new Set(ids)], expected(key), `the order of ${key}`);
    if (most > concurrency || most < 2) throw new Error(`Expected 2 to ${concurrency} at once, got ${most}`);
  },
  'a message that is to come back comes back in its time, holds back its key and nobody else': async (harness) => {
    await using broker = await harness.open();
    const topic = harness.topic();
    const waits = new Map<string, number[]>();
    const listener = new Listener(({ message: { id } }, seen) => {
      waits.set(id, [...(waits.get(id) ?? []), systemClock.monotonicMs()]);
      return id === 'slow' && seen < 3 ? { verdict: 'again', afterMs: 500 } : done;
    });
    await broker.subscribe({ topic, group: 'g', handle: listener.handle });
    const others = Array.from({ length: 40 }, (_, n) => message(topic, `k${n}`, `other-${n}`));
    await broker.publish([message(topic, 'a', 'slow'), message(topic, 'a', 'behind'), ...others]);
    await listener.sees(42, 'all messages');
    const [first = 0, second = 0, third = 0] = waits.get('slow') ?? [];
    if (second - first < 490 || third - second < 490)
      throw new Error(`Expected waits of 500 ms, got ${second - first} and ${third - second}`);
    const at = (id: string): number => waits.get(id)?.[0] ?? Infinity;
    if (at('behind') < third) throw new Error('Expected the message behind it to wait, it did not');
    const passed = others.filter(({ id }) => at(id) < third).length;
    same(passed, others.length, 'the number of others that did not wait');
    const counts = listener.deliveries.filter(({ message: { id } }) => id === 'slow').map((it) => it.deliveries);
    same(counts.slice(0, 3), [1, 2, 3], 'its deliveries as they are counted');
  },
  'a handler that throws has judged nothing: the message comes back': async ({ open, topic }) => {
    await using broker = await open();
    const name = topic();
    const listener = new Listener((_, seen) => {
      if (seen === 1) throw new Error('out of order');
      return done;
    });
    await broker.subscribe({ topic: name, group: 'g', handle: listener.handle });
    await broker.publish([message(name, 'k', '1'), message(name, 'k', '2')]);
    await until(() => listener.ids.length >= 4, 'both twice');
    same(listener.ids.slice(0, 4), ['1', '1', '2', '2'], 'what was given');
  },
  'poison goes to the dead letters with its reason, and back to the group that gave it up': async (harness) => {
    await using broker = await harness.open();
    const topic = harness.topic();
    const picky = new Listener(({ message: { id } }, seen) =>
      id === 'bad' && seen === 1 ? { verdict: 'dead', reason: 'refused', detail: 'no such\nsku' } : done,
    );
    const other = new Listener();
    const letters = new Listener();
    await broker.subscribe({ topic, group: 'picky', handle: picky.handle });
    await broker.subscribe({ topic, group: 'other', handle: other.handle });
    await broker.subscribe({ topic: deadLetterTopic(topic), group: 'people', handle: letters.handle });
    await broker.publish([message(topic, 'k', 'bad', 'payload'), message(topic, 'k', 'good')]);
    await letters.sees(1, 'the dead letter');
    await picky.sees(2, 'the message behind it');
    await other.sees(2, 'the other group');
    const letter = letters.deliveries[0]?.message as BrokerMessage;
    const { reason, detail, group, deliveries } = deadLetterHeaders;
    const told = [reason, detail, group, deliveries].map((name) => letter.headers?.[name]);
    same([letter.id, letter.key, letter.value], ['bad', 'k', 'payload'], 'the letter');
    same(told, ['refused', 'no such sku', 'picky', '1'], 'what it tells');
    await broker.publish([redriven(letter)]);
    await until(() => picky.ids.filter((id) => id === 'bad').length === 2, 'the redriven message');
    await broker.publish([message(topic, 'k', 'last')]);
    await other.sees(3, 'the last message');
    same(other.ids.filter((id) => id === 'bad').length, 1, 'how often the other group saw it');
  },
  'two consumers of a group share its messages, each key in order, and one takes over from the other': async (
    harness,
  ) => {
    await using one = await harness.open();
    await using two = await harness.open();
    const topic = harness.topic();
    const order = new Map<string, string[]>();
    const note = async ({ message: { key, id } }: Delivery): Promise<Verdict> => {
      await pause(1);
      order.set(key, [...(order.get(key) ?? []), id]);
      return done;
    };
    const [left, right] = [new Listener(note), new Listener(note)];
    const first = await one.subscribe({ topic, group: 'g', handle: left.handle });
    await two.subscribe({ topic, group: 'g', handle: right.handle });
    const keys = Array.from({ length: 24 }, (_, k) => `k${k}`);
    const publish = (n: number): Promise<void> =>
      one.publish(keys.map((key) => message(topic, key, `${key}-${String(n).padStart(2, '0')}`)));
    for (let n = 0; n < 10; n++) await publish(n);
    const seen = (): number => new Set([...left.ids, ...right.ids]).size;
    await until(() => seen() === 240, `all messages (${seen()})`);
    await first.close();
    const before = right.ids.length;
    for (let n = 10; n < 20; n++) await publish(n);
    await until(() => seen() === 480, 'all messages, by the one that is left');
    if (right.ids.length === before) throw new Error('Expected the other to take over, it did not');
    for (const [key, ids] of order) {
      const unique = [...new Set(ids)];
      same(unique, unique.toSorted(), `the order of ${key}`);
    }
  },
  'close waits for what is in hand; what was not begun is given to the next, what was done is not': async (harness) => {
    const topic = harness.topic();
    const first = new Listener(async () => {
      await pause(200);
      return done;
    });
    {
      await using broker = await harness.open();
      const subscription = await broker.subscribe({ topic, group: 'g', handle: first.handle, concurrency: 1 });
      await broker.publish(['a', 'b', 'c'].map((id) => message(topic, id, id)));
      await first.sees(1, 'the first message');
      await subscription.close();
      same(subscription.state, 'closed', 'its state');
      await subscription.close();
    }
    const done1 = first.ids.length;
    await using again = await harness.open();
    const second = new Listener();
    await again.subscribe({ topic, group: 'g', handle: second.handle });
    await second.sees(3 - done1, 'what was left');
    await pause(300);
    same([...first.ids, ...second.ids].toSorted(), ['a', 'b', 'c'], 'what both were given');
  },
  'after close every use is refused, and closing again is not': async ({ open, topic }) => {
    const broker = await open();
    const name = topic();
    await broker.close();
    await broker.close();
    for (const use of [
      () => broker.publish([message(name, 'k', '1')]),
      () => broker.subscribe({ topic: name, group: 'g', handle: async () => done }),
    ]) {
      const error: unknown = await use().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof ChoreographyClosedError)) throw new Error('Expected a refusal', { cause: error });
    }
  },
  'what was acknowledged survives the server, and its consumers come back by themselves': async (harness) => {
    if (harness.restart === undefined) return;
    await using broker = await harness.open();
    const topic = harness.topic();
    const listener = new Listener();
    const subscription = await broker.subscribe({ topic, group: 'g', handle: listener.handle, stallAfter: '3s' });
    await broker.publish(Array.from({ length: 50 }, (_, n) => message(topic, `k${n % 5}`, `before-${n}`)));
    await listener.sees(10, 'some messages');
    await harness.restart();
    await until(() => subscription.state === 'consuming', 'the consumer is back');
    await retryPublish(
      broker,
      Array.from({ length: 50 }, (_, n) => message(topic, `k${n % 5}`, `after-${n}`)),
    );
    await listener.sees(100, 'all messages');
  },
  'a consumer that hears nothing is built anew': async (harness) => {
    if (harness.hang === undefined) return;
    await using broker = await harness.open();
    const topic = harness.topic();
    const listener = new Listener();
    const subscription = await broker.subscribe({ topic, group: 'g', handle: listener.handle, stallAfter: '2s' });
    await broker.publish([message(topic, 'k', '1')]);
    await listener.sees(1, 'the first message');
    const wake = harness.hang();
    try {
      await until(() => subscription.restarts > 0, 'the consumer is given up');
    } finally {
      wake();
    }
    await retryPublish(broker, [message(topic, 'k', '2')]);
    await listener.sees(2, 'the message after it');
  },
};

/** A client may notice only now that its server was away; publishing again is what callers do. */
async function retryPublish(broker: Broker, messages: readonly BrokerMessage[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await broker.publish(messages);
    } catch (error) {
      if (attempt === 60) throw error;
      await pause(500);
    }
  }
}

/**
 * Every promise of the `Broker` port, for whoever writes one: run each against the real thing.
 *
 * @example
 * const topic = () => 'orders';
 * for (const { name, run } of brokerContract.slice(-3)) await run({ open: async () => memoryBroker(), topic });
 */
export const brokerContract: readonly BrokerCheck[] = Object.entries(promises).map(([name, run]) => ({ name, run }));
