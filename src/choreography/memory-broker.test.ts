import { expect, test } from 'vitest';
import { brokerContract } from '../testing/broker-suite.ts';
import { testClock } from '../testing/test-clock.ts';
import type { Broker } from './broker.ts';
import { memoryBroker } from './memory-broker.ts';

for (const { name, run } of brokerContract)
  test(name, async () => {
    // One broker, however often it is opened: what is in it lives as long as the process.
    const shared = memoryBroker();
    let topics = 0;
    const open = async (): Promise<Broker> => (name.startsWith('after close') ? memoryBroker() : unowned(shared));
    await run({ open, topic: () => `t${++topics}` });
    await shared.close();
  });

const stayOpen = (): Promise<void> => Promise.resolve();

/** The broker without its end, which is another's to decide. */
function unowned(broker: Broker): Broker {
  return {
    name: broker.name,
    publish: (...args) => broker.publish(...args),
    subscribe: (options) => broker.subscribe(options),
    close: stayOpen,
    [Symbol.asyncDispose]: stayOpen,
  };
}

test('takes no more than the window, and as much again as is dealt with', async () => {
  const clock = testClock();
  await using broker = memoryBroker({ clock });
  const release: (() => void)[] = [];
  let given = 0;
  await broker.subscribe({
    topic: 't',
    group: 'g',
    concurrency: 100,
    window: 10,
    async handle() {
      given++;
      await new Promise<void>((resolve) => void release.push(resolve));
      return { verdict: 'done' };
    },
  });
  await broker.publish(Array.from({ length: 50 }, (_, n) => ({ topic: 't', key: `k${n}`, id: `${n}`, value: '' })));
  await clock.settle();
  expect(given).toBe(10);
  release.shift()?.();
  release.shift()?.();
  await clock.settle();
  expect(given).toBe(12);
  for (let round = 0; round < 10; round++) {
    for (const resolve of release.splice(0)) resolve();
    await clock.settle();
  }
  expect(given).toBe(50);
});

test('keeps so many messages for groups that are yet to come, and no more', async () => {
  const clock = testClock();
  await using broker = memoryBroker({ clock, keep: 3 });
  await broker.publish(Array.from({ length: 5 }, (_, n) => ({ topic: 't', key: 'k', id: `${n}`, value: '' })));
  const seen: string[] = [];
  await broker.subscribe({
    topic: 't',
    group: 'g',
    async handle({ message }) {
      seen.push(message.id);
      return { verdict: 'done' };
    },
  });
  await clock.settle();
  expect(seen).toEqual(['2', '3', '4']);
  expect(() => memoryBroker({ keep: -1 })).toThrow(new RangeError('Expected keep to be an integer ≥ 0, got -1'));
});

test('a dead letter that cannot be written keeps its message, and its key, where they are', async () => {
  const clock = testClock();
  const broker = memoryBroker({ clock });
  const seen: string[] = [];
  await broker.subscribe({
    // The dead letters of dead letters have no topic: their burial fails.
    topic: 't.dlq',
    group: 'g',
    async handle({ message }) {
      seen.push(message.id);
      return message.id === 'bad' && seen.length < 3 ? { verdict: 'dead', reason: 'bad' } : { verdict: 'done' };
    },
  });
  await broker.publish(['bad', 'good'].map((id) => ({ topic: 't.dlq', key: 'k', id, value: '' })));
  await clock.advance(1000);
  expect(seen).toEqual(['bad', 'bad']);
  await clock.advance(1000);
  expect(seen).toEqual(['bad', 'bad', 'bad', 'good']);
  await broker.close();
});
