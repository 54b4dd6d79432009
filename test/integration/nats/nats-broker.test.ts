import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasServer, type Service, startNats } from '../../../scripts/services.ts';
import { natsBroker } from '../../../src/adapters/nats/index.ts';
import { brokerContract } from '../../../src/testing/index.ts';

const nats = { ...transport, ...jetstream };

describe.skipIf(!hasServer('nats'))('a broker on NATS JetStream', () => {
  let server: Service;
  const connections: transport.NatsConnection[] = [];
  let topics = 0;

  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server[Symbol.asyncDispose]();
  });

  const connect = async () => {
    const connection = await transport.connect({
      servers: server.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    connections.push(connection);
    return connection;
  };
  const open = async () => natsBroker({ nats, connection: await connect(), leaseTtl: '1s', timeout: '2s' });

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

  test('options are checked where they enter', async () => {
    const connection = await connect();
    expect(() => natsBroker({ nats: {} as never, connection })).toThrow(
      'Expected nats to be { ...transport, ...jetstream }',
    );
    expect(() => natsBroker({ nats, connection: {} as never })).toThrow('Expected connection to be a NATS connection');
    expect(() => natsBroker({ nats, connection, leaseTtl: -1 })).toThrow(RangeError);
  });
});
