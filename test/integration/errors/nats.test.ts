// Errors of the NATS client, from a real server and from ports where there is none.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasServer, type Service, startNats } from '../../../scripts/services.ts';
import { closedPort, failureOf, garbagePort, kindOf, kindOfError, silentPort } from './provoke.ts';

const dial = (port: number, timeout = 10_000): Promise<NatsConnection> =>
  connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout });

test('no server, one that is no NATS, one that is silent: transient, the last two as time-outs', async () => {
  expect(await kindOf(dial(await closedPort()))).toBe('transient');
  expect(await kindOf(dial(await garbagePort(), 200))).toBe('timeout');
  expect(await kindOf(dial(await silentPort(), 200))).toBe('timeout');
});

describe.skipIf(!hasServer('nats'))('a real server', () => {
  let server: Service;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function connected(): Promise<NatsConnection> {
    const connection = await dial(server.port);
    onTestFinished(() => connection.close());
    return connection;
  }

  test('a request that nobody serves is transient: the service may be starting', async () => {
    const error = await failureOf((await connected()).request('nobody', '', { timeout: 10_000 }));
    expect(error).toMatchObject({ name: 'RequestError', cause: { name: 'NoResponders' } });
    expect(kindOfError(error)).toBe('transient');
  });

  test('a request that is not answered is a time-out', async () => {
    const connection = await connected();
    connection.subscribe('silent', { callback: () => {} });
    expect(await kindOf(connection.request('silent', '', { timeout: 50 }))).toBe('timeout');
  });

  test('mistakes and refusals are not transient', async () => {
    const connection = await connected();
    expect(await kindOf(connection.request('', ''))).toBe('no');
    expect(await kindOf(connection.request('a', '', { timeout: -1 }))).toBe('no');
    const manager = await jetstreamManager(connection);
    expect(await kindOf(manager.streams.info('nowhere'))).toBe('no');
    expect(await kindOf(manager.streams.add({ name: 'a.b' }))).toBe('no');
  });

  test('a closed connection is not transient: it stays closed', async () => {
    const connection = await connected();
    await connection.close();
    expect(await kindOf(connection.request('a', ''))).toBe('no');
  });

  test('a message for no stream is transient, one out of sequence is not', async () => {
    const connection = await connected();
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'orders', subjects: ['orders.*'] });
    expect(await kindOf(jetstream(connection).publish('elsewhere', '', { retries: 0 }))).toBe('transient');
    const wrong = jetstream(connection).publish('orders.7', '', { expect: { lastSequence: 99 } });
    expect(await kindOf(wrong)).toBe('no');
  });
});
