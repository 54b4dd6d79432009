// Errors of @redis/client, from a real server and from ports where there is none.
import { createClient } from '@redis/client';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { hasServer, type Service, startRedis } from '../../../scripts/services.ts';
import { closedPort, garbagePort, kindOf } from './provoke.ts';

function client(port: number, reconnect: false | (() => number) = false, disableOfflineQueue = false) {
  const socket = { reconnectStrategy: reconnect, connectTimeout: 10_000 };
  const made = createClient({ url: `redis://127.0.0.1:${port}`, socket, disableOfflineQueue });
  made.on('error', () => {});
  onTestFinished(() => {
    if (made.isOpen) made.destroy();
  });
  return made;
}

test('no server, and one that hangs up: transient', async () => {
  expect(await kindOf(client(await closedPort()).connect())).toBe('transient');
  expect(await kindOf(client(await garbagePort()).connect())).toBe('transient');
});

test('while it is connecting again and nothing may be queued: transient', async () => {
  const made = client(await closedPort(), () => 1000, true);
  void made.connect().catch(() => {});
  await expect.poll(() => kindOf(made.get('a')), { timeout: 10_000 }).toBe('transient');
});

test('a client that was never opened is a mistake', async () => {
  expect(await kindOf(client(await closedPort()).get('a'))).toBe('no');
});

describe.skipIf(!hasServer('redis'))('a real server', () => {
  let server: Service;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  let made: ReturnType<typeof client>;
  beforeEach(async () => {
    made = client(server.port);
    await made.connect();
  });

  test('wrong commands are not transient', async () => {
    await made.set('text', 'a');
    for (const command of [['LPUSH', 'text', 'b'], ['FROB'], ['GET'], ['AUTH', 'wrong']]) {
      expect(await kindOf(made.sendCommand(command))).toBe('no');
    }
  });

  test('BUSY, while a script runs for too long, is transient', async () => {
    await made.configSet('busy-reply-threshold', '1');
    const other = client(server.port);
    await other.connect();
    const endless = other.eval('while true do end').catch(() => {});
    await expect
      .poll(() => kindOf(made.get('a').then(() => Promise.reject(new Error('not yet')))), { timeout: 10_000 })
      .toBe('transient');
    await made.sendCommand(['SCRIPT', 'KILL']);
    await endless;
  });

  test('READONLY and MASTERDOWN, of a replica, are transient', async () => {
    const nowhere = String(await closedPort());
    await made.sendCommand(['REPLICAOF', '127.0.0.1', nowhere]);
    expect(await kindOf(made.set('a', '1'))).toBe('transient');
    await made.configSet('replica-serve-stale-data', 'no');
    expect(await kindOf(made.get('a'))).toBe('transient');
    await made.sendCommand(['REPLICAOF', 'NO', 'ONE']);
  });

  test('a server that dies during a command: transient', async () => {
    const waiting = kindOf(made.sendCommand(['BLPOP', 'nothing', '0']));
    server.signal('SIGKILL');
    expect(await waiting).toBe('transient');
    await server.restart();
  });
});
