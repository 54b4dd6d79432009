import { describe, expect, test } from 'vitest';
import { memoryJournal } from '../../../src/journal/memory-journal.ts';
import { saga } from '../../../src/saga/saga.ts';
import { type Bench, open, request, step } from './bench.ts';

const waits = saga('waits').input().wait('approval').output();

interface Seen {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly sagaId: string; readonly status?: string };
}

/** A watcher that reads what has come so far. */
async function watch(bench: Bench, query = '', lastId?: string) {
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
  const answer = await bench.send('GET', `/v1/events${query}`, { headers });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  let ended = false;
  const pump = async (): Promise<void> => {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      text += new TextDecoder().decode(next.value);
    ended = true;
  };
  const pumping = pump();
  return {
    async seen(): Promise<readonly Seen[]> {
      await bench.clock.settle();
      return text.split('\n\n').flatMap((block) => {
        const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? [];
        return id === undefined || data === undefined
          ? []
          : [{ id, event: event ?? '', data: JSON.parse(data) as Seen['data'] }];
      });
    },
    get ended() {
      return ended;
    },
    async leave() {
      await reader.cancel();
      await pumping;
    },
  };
}

describe('events', () => {
  test('from now on, each record once, with its place as the id', async () => {
    await using bench = await open();
    await bench.ask('POST', '/v1/sagas', request('before', [step('a')]));
    await bench.clock.settle();
    const watcher = await watch(bench);
    await bench.ask('POST', '/v1/sagas', request('t', [step('a')]));
    const seen = await watcher.seen();
    expect(seen.map(({ event, data }) => `${data.sagaId} ${event}`)).toEqual([
      't saga-started',
      't step-started',
      't step-confirmed',
      't saga-completed',
    ]);
    expect(seen.at(-1)?.data.status).toBe('completed');
    const { items } = (await bench.ask('GET', '/v1/sagas/t/history')).body;
    expect(seen.map(({ id }) => Number(id))).toEqual(items.map(({ offset }: { offset: number }) => offset));
    await watcher.leave();
  });

  test('with saga= from its first record, others unseen; and on with what comes', async () => {
    await using bench = await open({ sagas: [waits] });
    await bench.ask('POST', '/v1/sagas', { id: 'a', name: 'waits' });
    await bench.ask('POST', '/v1/sagas', { id: 'b', name: 'waits' });
    await bench.clock.settle();
    const watcher = await watch(bench, '?saga=a');
    await bench.ask('POST', '/v1/sagas/b/signals/approval', 1);
    await bench.ask('POST', '/v1/sagas/a/signals/approval', 1);
    const seen = await watcher.seen();
    expect(new Set(seen.map(({ data }) => data.sagaId))).toEqual(new Set(['a']));
    expect(seen.map(({ event }) => event)).toEqual([
      'saga-started',
      'step-waiting',
      'saga-waiting',
      'signal-received',
      'step-confirmed',
      'saga-completed',
    ]);
    await watcher.leave();
  });

  test('resumes behind Last-Event-ID wherever it was cut, without a gap or a repetition', async () => {
    await using bench = await open();
    const watcher = await watch(bench);
    for (const id of ['a', 'b']) await bench.ask('POST', '/v1/sagas', request(id, [step('x'), step('y')]));
    const all = await watcher.seen();
    await watcher.leave();
    expect(all).toHaveLength(12);
    for (const [place, { id }] of all.entries()) {
      const again = await watch(bench, '', id);
      expect((await again.seen()).map((event) => event.id)).toEqual(all.slice(place + 1).map((event) => event.id));
      await again.leave();
    }
  });

  test('what comes while the past is read is seen once, whether or not it was read there too', async () => {
    const gate = Promise.withResolvers<void>();
    const journal = memoryJournal();
    const after = journal.after.bind(journal);
    let reads = 0;
    // The first reading only finds out whether the place is one; the second is that of the stream.
    journal.after = async function* late(position) {
      if (++reads > 1) await gate.promise;
      yield* after(position);
    };
    await using bench = await open({ journal, sagas: [waits] });
    await bench.ask('POST', '/v1/sagas', { id: 'a', name: 'waits' });
    await bench.clock.settle();
    const watcher = await watch(bench, '', '0');
    await bench.clock.settle();
    await bench.ask('POST', '/v1/sagas/a/signals/approval', 1);
    await bench.clock.settle();
    expect(await watcher.seen()).toEqual([]);
    gate.resolve();
    const seen = await watcher.seen();
    expect(seen.map(({ event }) => event)).toEqual([
      'step-waiting',
      'saga-waiting',
      'signal-received',
      'step-confirmed',
      'saga-completed',
    ]);
    await watcher.leave();
  });

  test.each(['x', '-1', '1.5', '99999999999999999999'])('400 for a Last-Event-ID that is none: %s', async (id) => {
    await using bench = await open();
    expect((await bench.ask('GET', '/v1/events', undefined, { 'last-event-id': id })).body.code).toBe('bad-header');
  });

  test('a stream ends when the server does, and when its credential is taken back', async () => {
    let valid = true;
    const rights = new Set(['read', 'start'] as const);
    const authenticator = {
      authenticate: () => (valid ? { principal: { name: 'ops', rights } } : { refused: 'unauthenticated' as const }),
    };
    await using bench = await open({ authenticator });
    const [first, second] = [await watch(bench), await watch(bench)];
    await bench.clock.advance(10_000);
    expect(first.ended).toBe(false);
    await second.leave();
    valid = false;
    await bench.clock.advance(5000);
    expect(first.ended).toBe(true);
    valid = true;
    const third = await watch(bench);
    await bench.server.close();
    await bench.clock.settle();
    expect(third.ended).toBe(true);
  });

  test('payloads are shown to whoever may read them', async () => {
    const authenticator = {
      authenticate: () => ({ principal: { name: 'ops', rights: new Set(['read', 'start'] as const) } }),
    };
    await using bench = await open({ authenticator });
    const watcher = await watch(bench);
    await bench.ask(
      'POST',
      '/v1/sagas',
      request('t', [step('a')], { input: { card: '4711' }, headers: { 'x-key': '4711' } }),
    );
    const seen = await watcher.seen();
    const shown = [
      seen,
      (await bench.ask('GET', '/v1/sagas/t')).body,
      (await bench.ask('GET', '/v1/sagas/t/history')).body,
    ];
    expect(JSON.stringify(shown)).not.toContain('4711');
    expect((await bench.ask('GET', '/v1/sagas/t/outcome')).body).toEqual({ id: 't', status: 'completed' });
    await watcher.leave();
  });
});
