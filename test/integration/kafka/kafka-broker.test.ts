import * as kafka from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasKafka, type Service, startKafka } from '../../../scripts/services.ts';
import { kafkaBroker } from '../../../src/adapters/kafka/index.ts';
import { brokerContract } from '../../../src/testing/index.ts';

describe.skipIf(!hasKafka())('a broker on Kafka', () => {
  let server: Service;
  let topics = 0;

  beforeAll(async () => {
    server = await startKafka();
  }, 120_000);
  afterAll(async () => server[Symbol.asyncDispose](), 60_000);

  const open = async () =>
    kafkaBroker({
      kafka,
      bootstrapBrokers: [server.url],
      createTopics: { partitions: 3 },
      sessionTimeout: '6s',
      timeout: '3s',
    });

  for (const { name, run } of brokerContract)
    test(name, { timeout: 120_000 }, async () => {
      await run({
        open,
        topic: () => `t${++topics}`,
        async restart() {
          server.signal('SIGKILL');
          await server.restart();
        },
        hang() {
          server.signal('SIGSTOP');
          return () => server.signal('SIGCONT');
        },
      });
    });

  test('a server that is not there is told to who publishes and to who subscribes', { timeout: 60_000 }, async () => {
    await using broker = kafkaBroker({ kafka, bootstrapBrokers: ['127.0.0.1:1'], createTopics: false, timeout: '1s' });
    const message = { topic: 't', key: 'k', id: '1', value: '' };
    await expect(broker.publish([message])).rejects.toMatchObject({ code: 'MAKEGOOD_PUBLISH_FAILED' });
    const subscribing = broker.subscribe({ topic: 't', group: 'g', handle: async () => ({ verdict: 'done' }) });
    await expect(subscribing).rejects.toThrow(Error);
  });

  test('options are checked where they enter', () => {
    expect(() => kafkaBroker({ kafka, bootstrapBrokers: [] })).toThrow('Expected bootstrapBrokers to be a list');
    expect(() => kafkaBroker({ kafka: {} as never, bootstrapBrokers: ['a:1'] })).toThrow(
      'Expected kafka to be the module',
    );
  });
});
