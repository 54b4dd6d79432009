import { describe, expect, test } from 'vitest';
import { ServerRefusedError, ServerUnreachableError } from '../../../src/client/client-errors.ts';
import { type MakegoodClient, makegoodClient } from '../../../src/client/makegood-client.ts';
import type { Fetch } from '../../../src/ports/http.ts';
import { saga } from '../../../src/saga/saga.ts';
import { type Bench, open, step } from '../server/bench.ts';

const waits = saga('waits')
  .input()
  .wait('approval')
  .output(({ results }) => results.approval);

const hangUp = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

/** A client whose requests go to the server in the test's own process. */
function clientOf(bench: Bench, fault: (call: number) => 'lost' | undefined = () => undefined): MakegoodClient {
  let calls = 0;
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    request.headers.set('host', 'localhost');
    const answer = await bench.server.handle(request);
    if (fault(++calls) === 'lost') throw new TypeError('fetch failed', { cause: hangUp() });
    return answer;
  };
  return makegoodClient({ url: 'http://localhost/', fetch });
}

describe('the client', () => {
  test('starts, shows, lists, decides and tells how it ended', async () => {
    await using bench = await open({ sagas: [waits] });
    const client = clientOf(bench);
    expect(await client.start({ id: 'a', name: 'waits' })).toMatchObject({ created: true, saga: { id: 'a' } });
    expect((await client.start({ id: 'a', name: 'waits' })).created).toBe(false);
    await bench.clock.settle();
    expect((await client.list({ status: 'waiting' })).items.map(({ id }) => id)).toEqual(['a']);
    await client.signal('a', 'approval', 7);
    await bench.clock.settle();
    expect(await client.outcome('a')).toEqual({ id: 'a', status: 'completed', output: 7 });
    expect((await client.get('a')).steps[0]?.state).toBe('confirmed');
    expect(await client.restart('a')).toMatchObject({
      created: true,
      saga: { id: 'a@2', run: { of: 'a', number: 2 } },
    });
    expect((await client.restart('a')).created).toBe(false);
    await expect(client.renew('a@2', '1h')).rejects.toMatchObject({ problem: { code: 'renewal-refused' } });
    expect((await client.history('a')).at(-1)).toMatchObject({ type: 'saga-completed', status: 'completed' });
    await client.start({ id: 'b', name: 'waits' });
    expect([await client.cancel('b', { reason: 'no' }), await client.outcome('b')]).toMatchObject([
      true,
      { cancelReason: 'no' },
    ]);
    await client.start({ id: 'c', name: 'waits' });
    await client.terminate('c');
    expect((await client.attention.list()).map(({ sagaId, step: at }) => [sagaId, at])).toEqual([['c', null]]);
    await client.attention.resolve('c', null, { note: 'seen' });
    expect(await client.attention.list()).toEqual([]);
    expect(await client.policies.set('waits', 'approval', 'patient')).toMatchObject({ retry: { maxAttempts: 10 } });
    await client.policies.delete('waits', 'approval');
    expect(await client.policies.list()).toEqual([]);
  });

  test('a start whose answer was lost is sent again, and is the same saga', async () => {
    await using bench = await open();
    const client = clientOf(bench, (call) => (call === 1 ? 'lost' : undefined));
    const { saga: started, created } = await client.start({ name: 'trip', steps: [step('car')] });
    expect(created).toBe(false);
    await bench.clock.settle();
    expect((await client.list()).items.map(({ id }) => id)).toEqual([started.id]);
    expect(bench.calls()).toEqual(['action car 1']);
  });

  test('a decision whose answer was lost is not sent again: nobody knows whether it was taken', async () => {
    await using bench = await open({ sagas: [waits] });
    await clientOf(bench).start({ id: 'a', name: 'waits' });
    const client = clientOf(bench, () => 'lost');
    await expect(client.cancel('a')).rejects.toThrow(ServerUnreachableError);
    await expect(client.cancel('a')).rejects.toThrow('socket hang up');
  });

  test('a refusal is an error that says why; what is no server of ours is one that cannot be reached', async () => {
    await using bench = await open();
    const refused = await clientOf(bench)
      .get('none')
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ServerRefusedError);
    expect((refused as ServerRefusedError).is('saga-not-found')).toBe(true);
    const strange = makegoodClient({ url: 'http://x', fetch: async () => new Response('<html>', { status: 404 }) });
    await expect(strange.get('a')).rejects.toMatchObject({ code: 'MAKEGOOD_SERVER_UNREACHABLE' });
    const shop = makegoodClient({ url: 'http://x', fetch: async () => new Response('<html>') });
    await expect(shop.get('a')).rejects.toMatchObject({ code: 'MAKEGOOD_SERVER_UNREACHABLE' });
  });

  test('events go on behind the last one when the stream breaks', async () => {
    await using bench = await open({ sagas: [waits] });
    const client = clientOf(bench);
    await client.start({ id: 'a', name: 'waits' });
    let streams = 0;
    const cutting: Fetch = async (input, init) => {
      const request = new Request(input, init);
      request.headers.set('host', 'localhost');
      const answer = await bench.server.handle(request);
      streams++;
      if (streams > 1) return answer;
      // The connection breaks after the first record, in the middle of the second.
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      let text = '';
      while (!text.includes('step-waiting')) text += new TextDecoder().decode((await reader.read()).value);
      await reader.cancel();
      return new Response(text.slice(0, text.indexOf('step-waiting')), answer);
    };
    const watching = makegoodClient({ url: 'http://localhost', fetch: cutting });
    const seen: string[] = [];
    for await (const { type } of watching.events({ saga: 'a' })) {
      seen.push(type);
      if (type === 'saga-waiting') break;
    }
    expect([seen, streams]).toEqual([['saga-started', 'step-waiting', 'saga-waiting'], 2]);
  });
});

test.each(['', 'null', '[]', '{}', '{"code":"saga-ended"}', '{"status":412,"code":7,"detail":"d"}', '{'])(
  'a problem that is none of ours is an unreachable server, and no fault of the client: %s',
  async (text) => {
    const headers = { 'content-type': 'application/problem+json' };
    const fetch: Fetch = () => Promise.resolve(new Response(text, { status: 404, headers }));
    const client = makegoodClient({ url: 'http://localhost/', fetch });
    await expect(client.signal('s', 'go')).rejects.toBeInstanceOf(ServerUnreachableError);
  },
);
