import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasServer, type Service, startNats } from '../../../scripts/services.ts';
import { openNatsSagaFirstStore } from '../../../src/adapters/nats/index.ts';
import type { SagaFirstStore } from '../../../src/saga-first/index.ts';
import { sagaFirstStoreContract } from '../../../src/testing/index.ts';

const nats = { ...transport, ...jetstream };
const refund = { name: 'refund', args: null, operationKey: 'a/b/action', settleAfterMs: 1000, version: '1' };

describe.skipIf(!hasServer('nats'))('saga-first steps on a JetStream stream', () => {
  let server: Service;
  let connection: transport.NatsConnection;
  let streams = 0;
  const streamOf = new WeakMap<SagaFirstStore, string>();

  beforeAll(async () => {
    server = await startNats();
    connection = await transport.connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  });
  afterAll(async () => {
    await connection.close();
    await server[Symbol.asyncDispose]();
  });

  const openStream = async (stream: string, more: object = {}): Promise<SagaFirstStore> => {
    const store = await openNatsSagaFirstStore({ nats, connection, stream, allowSingleReplica: true, ...more });
    streamOf.set(store, stream);
    return store;
  };
  const harness = {
    open: () => openStream(`sfr-${++streams}`),
    reopen: async (store: SagaFirstStore) => {
      await store.close();
      return openStream(streamOf.get(store) ?? '');
    },
    openBeside: (store: SagaFirstStore) => openStream(streamOf.get(store) ?? ''),
  };

  for (const { name, run } of sagaFirstStoreContract)
    test(name, { timeout: 60_000 }, async () => {
      await run(harness);
    });

  test('a stream that would forget is refused, with everything that is unsafe (K24)', async () => {
    const manager = await jetstream.jetstreamManager(connection);
    const subjects = ['makegood-saga-first.unsafe'];
    await manager.streams.add({
      name: 'unsafe',
      subjects,
      max_age: 1_000_000_000,
      max_msgs: 10,
      storage: jetstream.StorageType.Memory,
    });
    const opening = openNatsSagaFirstStore({ nats, connection, stream: 'unsafe' });
    await expect(opening).rejects.toMatchObject({ code: 'MAKEGOOD_UNSAFE_LOG', findings: { length: 4 } });
    await expect(opening).rejects.toThrow('max_age is 1000000000 ns, must be none');
  });

  test('a step that was closed for its retention is forgotten by all, and may be begun anew', {
    timeout: 60_000,
  }, async () => {
    await using one = await openStream('forgets', { retention: 0 });
    await one.register('a/b', refund);
    await one.append('a/b', { type: 'triggered', reason: 'failed' }, 1);
    await one.append('a/b', { type: 'noop' }, 2);
    await using two = await openStream('forgets', { retention: 0 });
    expect((await two.register('a/b', { ...refund, name: 'other' })).won).toBe(true);
    await expect.poll(async () => (await one.read('a/b'))?.state.registration.name).toBe('other');
    await using three = await openStream('forgets', { retention: 0 });
    expect((await three.read('a/b'))?.state).toMatchObject({ status: 'registered', registration: { name: 'other' } });
  });

  test('the store goes on when the server was killed', { timeout: 60_000 }, async () => {
    await using store = await openStream('killed', { timeout: '5s' });
    await store.register('a/b', refund);
    server.signal('SIGKILL');
    await server.restart();
    await expect
      .poll(
        () =>
          store.append('a/b', { type: 'confirmed', result: 1 }, 1).then(
            ({ won }) => won,
            () => undefined,
          ),
        { timeout: 30_000 },
      )
      .toBeDefined();
    expect((await store.read('a/b'))?.state.status).toBe('confirmed');
  });
});
