import { array, assert, asyncProperty } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasServer, type Service } from '../../../scripts/services.ts';
import { redisBarrier, type RedisTransaction } from '../../../src/adapters/redis/index.ts';
import { barrier, type BarrierCall, participant } from '../../../src/participant/index.ts';
import { TerminalError } from '../../../src/saga/index.ts';
import { arrive, arrivingCall, BarrierModel } from '../barrier-model.ts';
import { type connect, startWithClient } from './redis-server.ts';

function call(saga: string): BarrierCall {
  return { saga, step: 'a', phase: 'action', epoch: 1 };
}

function effect(tx: RedisTransaction, saga: string, step: string, amount: number): void {
  tx.write('HINCRBY', `effects:${saga}`, step, amount);
  tx.write('INCR', `calls:${saga}`);
}

describe.runIf(hasServer('redis'))('on a Redis server', () => {
  let server: Service;
  let client: ReturnType<typeof connect>;

  beforeAll(async () => {
    ({ server, client } = await startWithClient());
    await client.sendCommand(['CONFIG', 'SET', 'appendfsync', 'always']);
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  const warnings: string[] = [];
  const rows = () => redisBarrier({ client, onWarning: (message) => warnings.push(message) });
  let sagas = 0;
  const newSaga = (): string => `saga-${sagas++}`;
  async function effectsOf(saga: string): Promise<Record<string, number>> {
    const found = await client.hGetAll(`effects:${saga}`);
    return Object.fromEntries(Object.entries(found).map(([step, amount]) => [step, Number(amount)]));
  }

  test('whatever arrives in whatever order, with duplicates and crashes: the rules of the barrier, and one effect', async () => {
    await assert(
      asyncProperty(array(arrivingCall, { maxLength: 12 }), async (calls) => {
        const saga = newSaga();
        const model = new BarrierModel();
        for (const arriving of calls) {
          const expected = model.expected(arriving);
          const answer = arrive(rows(), saga, arriving, async (tx, step, amount) => effect(tx, saga, step, amount));
          expect(await answer).toBe(expected);
        }
        expect(await effectsOf(saga)).toEqual(model.effects());
      }),
      { numRuns: 100 },
    );
    expect(warnings).toEqual([]);
  }, 60_000);

  test('calls of one step all at once: the effect is applied once at most, and never undone alone', async () => {
    const known = ['applied', 'aborted', 'undone', 'nothing to undo', 'effect applied', 'effect none'];
    for (let round = 0; round < 15; round++) {
      const saga = newSaga();
      const phases = ['action', 'action', 'compensation', 'compensation', 'action', 'status'] as const;
      const answers = await Promise.all(
        phases.map((phase) =>
          arrive(rows(), saga, { step: 'a', phase, epoch: 1, fate: 'ok' }, async (tx, step, amount) =>
            effect(tx, saga, step, amount),
          ),
        ),
      );
      const { a = 0 } = await effectsOf(saga);
      expect(a).toBe(0);
      for (const answer of answers) expect(known).toContain(answer);
      expect(answers.includes('applied')).toBe(!answers.includes('nothing to undo'));
    }
  });

  test('50 orders at once for 20 pieces, each read before it is taken: 20 get one, 30 are refused, none is left', async () => {
    await client.set('stock', '20');
    const orders = Array.from({ length: 50 }, () =>
      rows().transaction((tx, store) =>
        barrier(store, call(newSaga()), async () => {
          if (Number(await tx.read('GET', 'stock')) < 1) throw new TerminalError('sold out', { code: 'SOLD_OUT' });
          tx.write('DECR', 'stock');
        }),
      ),
    );
    const replies = await Promise.all(orders);
    expect(replies.filter(({ status }) => status === 204)).toHaveLength(20);
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(30);
    expect(await client.get('stock')).toBe('0');
  });

  test('a write that Redis refuses takes the others with it: values, absence and time to live are as before', async () => {
    const saga = newSaga();
    await client.set(`${saga}:text`, 'text', { PX: 60_000 });
    await client.set(`${saga}:count`, '7');
    const failing = rows().transaction((tx, store) =>
      barrier(store, call(saga), () => {
        tx.write('INCRBY', `${saga}:count`, 5);
        tx.write('MSET', `${saga}:new`, 1, `${saga}:text`, 'other');
        tx.write('LPUSH', `${saga}:count`, 'no list');
      }),
    );
    await expect(failing).rejects.toThrow('Redis refused LPUSH at the commit, so nothing was written: WRONGTYPE');
    expect(await client.mGet([`${saga}:text`, `${saga}:count`, `${saga}:new`])).toEqual(['text', '7', null]);
    expect(await client.pTTL(`${saga}:text`)).toBeGreaterThan(50_000);
    // No row stands: the same call, mended, runs.
    const mended = rows().transaction((tx, store) =>
      barrier(store, call(saga), () => tx.write('INCRBY', `${saga}:count`, 5)),
    );
    expect(await mended).toEqual({ status: 204, body: '' });
    expect(await client.get(`${saga}:count`)).toBe('12');
  });

  test('a read must not write, and what it read may not change before the commit', async () => {
    const saga = newSaga();
    const writing = rows().transaction((tx, store) => barrier(store, call(saga), () => tx.read('SET', 'x', '1')));
    await expect(writing).rejects.toThrow(/Write commands are not allowed/);
    let runs = 0;
    const reply = await rows().transaction((tx, store) =>
      barrier(store, call(saga), async () => {
        const seen = await tx.read('LRANGE', `${saga}:list`, 0, -1);
        if (++runs === 1) await client.rPush(`${saga}:list`, 'meanwhile');
        tx.write('SET', `${saga}:seen`, JSON.stringify(seen));
      }),
    );
    expect([runs, reply.status]).toEqual([2, 204]);
    expect(await client.get(`${saga}:seen`)).toBe('["meanwhile"]');
  });

  test('one that is always overtaken is told that it is in progress, and has written nothing', async () => {
    const saga = newSaga();
    const hasty = redisBarrier({ client, maxTries: 3 });
    const overtaken = hasty.transaction((tx, store) =>
      barrier(store, call(saga), async () => {
        await tx.read('GET', `${saga}:busy`);
        await client.incr(`${saga}:busy`);
        tx.write('SET', `${saga}:done`, '1');
      }),
    );
    await expect(overtaken).rejects.toMatchObject({ code: 'MAKEGOOD_IN_PROGRESS' });
    expect(await client.exists(`${saga}:done`)).toBe(0);
  });

  test('kill -9 of the server: row and effect are there together, and the duplicate is given the reply', async () => {
    const saga = newSaga();
    const act = () =>
      rows().transaction((tx, store) =>
        barrier(store, call(saga), () => {
          effect(tx, saga, 'a', 1);
          return 'first';
        }),
      );
    const reply = await act();
    server.signal('SIGKILL');
    await server.restart();
    expect(await act()).toEqual(reply);
    expect(await effectsOf(saga)).toEqual({ a: 1 });
    await client.sendCommand(['CONFIG', 'SET', 'appendfsync', 'always']);
  }, 60_000);

  test('rows live as long as their retention', async () => {
    const saga = newSaga();
    const kept = redisBarrier({ client, prefix: 'kept:', retention: '1h' });
    await kept.transaction((_, store) => barrier(store, call(saga), () => 1));
    const leftMs = await client.pTTL(`kept:${saga}/a`);
    expect(leftMs > 3_500_000 && leftMs <= 3_600_000).toBe(true);
  });

  test('a server that may evict keys is refused; one that may lose its last second is warned of, once', async () => {
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl']);
    const barred = rows();
    const act = () => barred.transaction((_, store) => barrier(store, call(newSaga()), () => 1));
    await expect(act()).rejects.toMatchObject({ code: 'MAKEGOOD_REDIS_EVICTION', policy: 'volatile-ttl' });
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']);
    await client.sendCommand(['CONFIG', 'SET', 'appendfsync', 'everysec']);
    warnings.length = 0;
    await act();
    await act();
    expect(warnings).toEqual([
      'appendfsync is everysec: Redis may lose what it answered when the power fails; appendfsync always keeps it',
    ]);
    await client.sendCommand(['CONFIG', 'SET', 'appendfsync', 'always']);
  });

  test('behind a participant: the duplicate of a request is given the first answer', async () => {
    const saga = newSaga();
    const handle = participant({
      barrier: rows(),
      actions: { a: { run: ({ tx }) => (tx.write('INCR', `${saga}:runs`), { reserved: 1 }) } },
    });
    const headers = {
      'Content-Type': 'application/json',
      'Idempotency-Key': `${saga}/a/action`,
      'Makegood-Saga': saga,
      'Makegood-Step': 'a',
      'Makegood-Phase': 'action',
      'Makegood-Attempt': '1',
      'Makegood-Epoch': '1',
    };
    const ask = () => handle(new Request('http://inventory/a', { method: 'POST', headers, body: 'null' }));
    const answers = await Promise.all([ask(), ask(), ask()]);
    for (const answer of answers) expect(await answer.json()).toEqual({ reserved: 1 });
    expect(await client.get(`${saga}:runs`)).toBe('1');
  });

  test.each([{ retention: 0 }, { maxTries: 0 }])('refuses %o', (options) => {
    expect(() => redisBarrier({ client, ...options })).toThrow(RangeError);
  });
});
