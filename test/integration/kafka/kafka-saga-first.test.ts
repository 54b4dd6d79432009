import * as kafka from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasKafka, type Service, startKafka } from '../../../scripts/services.ts';
import { openKafkaSagaFirstStore } from '../../../src/adapters/kafka/index.ts';
import { openCompensator, sagaFirst, type SagaFirstStore } from '../../../src/saga-first/index.ts';
import { sagaFirstStoreContract } from '../../../src/testing/index.ts';

describe.skipIf(!hasKafka())('saga-first steps on a compacted Kafka topic', () => {
  let server: Service;
  let topics = 0;
  const topicOf = new WeakMap<SagaFirstStore, string>();

  beforeAll(async () => {
    server = await startKafka();
  }, 120_000);
  afterAll(async () => server[Symbol.asyncDispose](), 60_000);

  const connection = () => ({ kafka, bootstrapBrokers: [server.url] });
  const openTopic = async (topic: string): Promise<SagaFirstStore> => {
    const create = { partitions: 2 };
    const store = await openKafkaSagaFirstStore({ ...connection(), topic, create, allowSingleReplica: true });
    topicOf.set(store, topic);
    return store;
  };
  const harness = {
    open: () => openTopic(`sfr-${++topics}`),
    reopen: async (store: SagaFirstStore) => {
      await store.close();
      return openTopic(topicOf.get(store) ?? '');
    },
    openBeside: (store: SagaFirstStore) => openTopic(topicOf.get(store) ?? ''),
  };

  for (const { name, run } of sagaFirstStoreContract)
    test(name, { timeout: 120_000 }, async () => {
      await run(harness);
    });

  const unsafe: readonly (readonly [setting: string, value: string])[] = [
    ['cleanup.policy', 'delete'],
    ['cleanup.policy', 'compact,delete'],
    ['message.timestamp.type', 'CreateTime'],
    ['unclean.leader.election.enable', 'true'],
  ];
  test.each(unsafe)('a topic with %s = %s is refused (K24)', { timeout: 60_000 }, async (setting, value) => {
    const topic = `unsafe-${++topics}`;
    const safe = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' };
    const configs = Object.entries({ ...safe, [setting]: value }).map(([name, text]) => ({ name, value: text }));
    const admin = new kafka.Admin({ clientId: 'test', bootstrapBrokers: [server.url] });
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs });
    await admin.close();
    const opening = openKafkaSagaFirstStore({ ...connection(), topic, allowSingleReplica: true });
    await expect(opening).rejects.toMatchObject({ code: 'MAKEGOOD_UNSAFE_LOG' });
    await expect(opening).rejects.toThrow(`${setting} is "${value}"`);
  });

  test('one replica is refused unless it is allowed: an acknowledged registration must survive its leader (K24)', async () => {
    const topic = `single-${++topics}`;
    await (await openTopic(topic)).close();
    const opening = openKafkaSagaFirstStore({ ...connection(), topic });
    await expect(opening).rejects.toThrow('min.insync.replicas is "1", must be 2 or more; it has 1 replica');
  });

  test('a compensator finishes from the topic what a caller has left, also when the broker is killed', {
    timeout: 120_000,
  }, async () => {
    const topic = `left-${++topics}`;
    const caller = await openTopic(topic);
    const undone: string[] = [];
    const compensate = ({ id }: { readonly id: string }): void => void undone.push(id);
    const hangs = sagaFirst({
      store: caller,
      compensations: { refund: { compensate } },
      timeout: '100ms',
      maxFlight: 0,
    });
    const lost = hangs.run(() => new Promise<never>(() => undefined), { name: 'refund' }, { id: 'order-7/charge' });
    lost.catch(() => undefined);
    await expect.poll(async () => (await caller.read('order-7/charge'))?.state.status).toBe('registered');
    // The process is gone: it writes nothing more.
    await caller.close();
    server.signal('SIGKILL');
    await server.restart();
    await using store = await openTopic(topic);
    expect((await store.list({ statuses: ['registered'] })).items.map(({ id }) => id)).toEqual(['order-7/charge']);
    await using compensator = openCompensator({ store, compensations: { refund: { compensate } }, pollEvery: '100ms' });
    await expect
      .poll(async () => (await store.read('order-7/charge'))?.state.status, { timeout: 30_000 })
      .toBe('compensated');
    expect([undone, await compensator.attention.list()]).toEqual([['order-7/charge'], []]);
  });
});
