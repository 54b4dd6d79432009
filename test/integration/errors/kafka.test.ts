// Errors of both Kafka clients: against no server, against one that is no Kafka, and as their own classes make them.
import { createRequire } from 'node:module';
import { Producer, ProtocolError } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { closedPort, failureOf, garbagePort, kindOf, kindOfError, silentPort } from './provoke.ts';

// Where kafkajs turns the number in an answer into an error; it has no types for it.
const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error.js') as {
  readonly createErrorFromCode: (code: number) => Error;
};

function kafkajs(port: number): Kafka {
  const quick = { connectionTimeout: 100, retry: { retries: 1, initialRetryTime: 1, maxRetryTime: 2 } };
  return new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, ...quick });
}

function platformatic(port: number): Producer {
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers: [`127.0.0.1:${port}`],
    retries: 1,
    retryDelay: 1,
    connectTimeout: 100,
    requestTimeout: 100,
    strict: true,
  });
  producer.on('error', () => {});
  onTestFinished(() => producer.close().catch(() => {}));
  return producer;
}

const message = { messages: [{ topic: 'orders', value: Buffer.from('7') }] };

test('kafkajs: no broker, and one that hangs up, after its own retries: transient, by the cause', async () => {
  for (const port of [await closedPort(), await garbagePort()]) {
    const error = await failureOf(kafkajs(port).admin().connect());
    expect(error).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', retriable: false });
    expect(kindOfError(error)).toBe('transient');
  }
});

test('kafkajs: what it calls retriable is transient, and what it does not is not', async () => {
  // Numbers of the Kafka protocol, "Error Codes".
  const kinds = { 5: 'transient', 6: 'transient', 7: 'transient', 17: 'no', 29: 'no', 36: 'no', 47: 'no' };
  for (const [code, kind] of Object.entries(kinds)) expect(kindOfError(createErrorFromCode(Number(code)))).toBe(kind);
});

test('kafkajs: a mistake is not transient', async () => {
  const producer = kafkajs(await closedPort()).producer();
  expect(await kindOf(producer.send({ topic: '', messages: [{ value: '7' }] }))).toBe('no');
  expect(await kindOf(producer.send({ topic: 'orders', messages: 7 as never }))).toBe('no');
});

test('@platformatic/kafka: no broker, one that hangs up, one that is silent: transient, through every aggregate', async () => {
  for (const port of [await closedPort(), await garbagePort(), await silentPort()]) {
    expect(await kindOf(platformatic(port).send(message))).toBe('transient');
  }
});

test('@platformatic/kafka: what can be retried is transient, and what cannot is not', () => {
  const kinds = {
    LEADER_NOT_AVAILABLE: 'transient',
    NOT_LEADER_OR_FOLLOWER: 'transient',
    REQUEST_TIMED_OUT: 'transient',
    INVALID_TOPIC_EXCEPTION: 'no',
    TOPIC_AUTHORIZATION_FAILED: 'no',
    SASL_AUTHENTICATION_FAILED: 'no',
  };
  for (const [id, kind] of Object.entries(kinds)) expect([id, kindOfError(new ProtocolError(id))]).toEqual([id, kind]);
});

test('@platformatic/kafka: a mistake is not transient', async () => {
  const error = await failureOf(platformatic(await closedPort()).send({ messages: 7 as never }));
  expect(error).toMatchObject({ code: 'PLT_KFK_USER', canRetry: false });
  expect(kindOfError(error)).toBe('no');
});
