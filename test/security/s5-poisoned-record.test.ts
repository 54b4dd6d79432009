/** S5.3: a record that cannot be read stops its own saga, says where it stands, and lets everything else go on. */
import { expect, test } from 'vitest';
import { type Journal, openWalJournal } from '../../src/journal/index.ts';
import { saga } from '../../src/saga/index.ts';
import { recordingObserver } from '../../src/testing/index.ts';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import type { WalEntry } from '../../src/wal/wal-record.ts';
import { codeOf, type ServerWorld, serverWorld } from './server-world.ts';

const approve = saga('approve')
  .input<string>()
  .step('ask', { run: ({ input }) => `asked ${input}`, readOnly: true })
  .wait('answer')
  .output(({ results }) => results.answer);

const world = () => ({ files: memoryFiles(), clock: testClock(), segmentBytes: 8192 });
type World = ReturnType<typeof world>;

const options = (own: World, journal: Journal) => ({ journal, sagas: [approve], clock: own.clock });

/** Runs a server on the log until it has nothing to do. */
async function serving<Result>(own: World, use: (server: ServerWorld) => Promise<Result>): Promise<Result> {
  const observer = recordingObserver();
  const journal = await openWalJournal('data', own);
  await using server = await serverWorld({ ...options(own, journal), observer });
  await own.clock.advance(0);
  return await use(server);
}

async function startBoth(own: World): Promise<void> {
  await serving(own, async (server) => {
    for (const id of ['poisoned', 'sound'])
      expect((await server.post('/v1/sagas', { id, name: 'approve', input: id })).status).toBe(201);
    await own.clock.advance(10);
  });
}

async function poison(own: World, ...entries: readonly Partial<WalEntry>[]): Promise<void> {
  const wal = await openWal('data', own);
  const whole = { kind: 3, state: 0, timestamp: 5, txId: 'poisoned', stepId: 'ask', payload: '1 0 9 1 1 {}' };
  await wal.append(entries.map((entry) => Object.assign({}, whole, entry)));
  await wal.close();
}

const json = (text: string): unknown => JSON.parse(text);

test.each([
  ['of an unknown kind', { kind: 199 }, 'unknown kind 199'],
  ['of an unknown codec', { payload: '7 0 9 1 1 {}' }, 'codec "7" is not known'],
  ['whose payload is damaged though its checksum is right', { payload: '1 0 9 1 1 {"outp' }, 'JSON'],
  ['whose head is none', { payload: 'x' }, '"x" is no count'],
  ['that its saga cannot have written', { payload: '1 0 99 1 1 {"output":1}' }, 'expected its last record to be 98'],
])('a record %s blocks its saga alone, after a second restart as after the first', async (_, entry, why) => {
  const own = world();
  await startBoth(own);
  await poison(own, entry);
  for (let opening = 0; opening < 2; opening++)
    await serving(own, async (server) => {
      const blocked = await server.send('GET', '/v1/sagas/poisoned');
      expect(json(blocked.text)).toMatchObject({
        status: 'blocked',
        name: 'approve',
        reason: 'unreadable',
        failure: {
          code: 'MAKEGOOD_SAGA_UNREADABLE',
          message: expect.stringMatching(/^record \d at data\/0{16}\.seg, offset \d+ cannot be read: /) as unknown,
        },
      });
      expect(blocked.text).toContain(JSON.stringify(why).slice(1, -1));
      const attention = await server.send('GET', '/v1/attention');
      expect(json(attention.text)).toMatchObject({
        items: [{ sagaId: 'poisoned', step: null, reason: 'unreadable', lastFailure: { message: expect.any(String) } }],
      });
      expect(json((await server.send('GET', '/v1/sagas?status=blocked')).text)).toMatchObject({
        items: [{ id: 'poisoned' }],
      });
      expect((await server.send('GET', '/readyz')).status).toBe(200);
    });
  await serving(own, async (server) => {
    expect((await server.post('/v1/sagas/sound/signals/answer', '"yes"')).status).toBe(202);
    await own.clock.advance(10);
    expect(json((await server.send('GET', '/v1/sagas/sound')).text)).toMatchObject({ status: 'completed' });
    expect((await server.post('/v1/sagas', { id: 'new', name: 'approve', input: 'new' })).status).toBe(201);
  });
});

test('a saga whose first record cannot be read is known by its id, and its id stays taken', async () => {
  const own = world();
  await startBoth(own);
  await poison(own, { txId: 'lost', kind: 1, stepId: '', payload: '9 0 1 1 0 {}' }, { txId: 'lost', kind: 240 });
  await serving(own, async (server) => {
    expect(json((await server.send('GET', '/v1/sagas/lost')).text)).toMatchObject({
      name: 'unknown',
      status: 'blocked',
    });
    expect(codeOf(await server.post('/v1/sagas', { id: 'lost', name: 'approve', input: 'x' }))).toBe('saga-conflict');
    expect(json((await server.send('GET', '/v1/sagas?limit=10')).text)).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ id: 'lost', status: 'blocked' })]) as unknown,
    });
  });
});

test('nothing can be asked of a saga that cannot be read, and nothing is written to it', async () => {
  const own = world();
  await startBoth(own);
  await poison(own, { kind: 199 });
  await serving(own, async (server) => {
    for (const path of ['cancel', 'terminate', 'signals/answer', 'steps/ask/retry', 'steps/ask/skip', 'resolve'])
      expect([path, codeOf(await server.post(`/v1/sagas/poisoned/${path}`, {}))]).toEqual([path, 'saga-unreadable']);
    expect(codeOf(await server.send('GET', '/v1/sagas/poisoned/history'))).toBe('saga-unreadable');
    expect(codeOf(await server.send('DELETE', '/v1/sagas/poisoned'))).toBe('saga-not-ended');
    await expect(server.server.tempo.renew('poisoned', '1h')).rejects.toMatchObject({
      code: 'MAKEGOOD_SAGA_UNREADABLE',
      sagaId: 'poisoned',
      seq: 6,
    });
    const again = await server.post('/v1/sagas', { id: 'poisoned', name: 'approve', input: 'poisoned' });
    expect([again.status, json(again.text)]).toMatchObject([200, { status: 'blocked' }]);
    const waiting = await server.server.tempo.start(approve, { id: 'poisoned', input: 'poisoned' });
    await expect(waiting.result()).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_UNREADABLE' });
    await own.clock.advance(60_000);
  });
  const wal = await openWal('data', own);
  const kinds: number[] = [];
  for await (const { kind, txId } of wal.read()) if (txId === 'poisoned') kinds.push(kind);
  expect(kinds.at(-1)).toBe(199);
  await wal.close();
});

test('whoever reads the events of all sagas reads past it', async () => {
  const own = world();
  await startBoth(own);
  await poison(own, { kind: 199 });
  await serving(own, async (bench) => {
    const { server } = bench;
    await bench.post('/v1/sagas/sound/signals/answer', '"yes"');
    await own.clock.advance(10);
    const seen: string[] = [];
    for await (const { sagaId, record } of server.tempo.recordsAfter(-1)) seen.push(`${sagaId} ${record.type}`);
    expect(seen.slice(-2)).toEqual(['sound step-confirmed', 'sound saga-completed']);
    expect(seen.filter((line) => line.startsWith('poisoned'))).toHaveLength(5);
  });
});

test('what an older version could not read goes on where a newer one opens the log', async () => {
  const own = world();
  await startBoth(own);
  // Of the checkpoint that the older version leaves behind, with a record that is none of its kinds.
  const wal = await openWal('data', own);
  const entries: WalEntry[] = [];
  for await (const { kind, state, timestamp, txId, stepId, payload } of wal.read())
    if (txId === 'poisoned') entries.push({ kind, state, timestamp, txId: 'newer', stepId, payload: payload.slice() });
  const [first, ...rest] = entries;
  if (first === undefined) throw new Error('the saga has records');
  const position = await wal.append([
    first,
    ...rest.map((entry) => Object.assign({}, entry, { payload: unlinked(entry) })),
  ]);
  const { point } = wal;
  const head = { state: 0, timestamp: 5, txId: '', stepId: '' };
  await wal.checkpoint(point, [
    { ...head, kind: 250, payload: '1 1 5 0' },
    {
      ...head,
      kind: 249,
      txId: 'newer',
      payload: `1 ${position} ${position} ${position} 1 "unknown kind 77"\n{"steps":[]}`,
    },
  ]);
  await wal.close();
  await serving(own, async (server) => {
    expect((await server.post('/v1/sagas/newer/signals/answer', '"yes"')).status).toBe(202);
    await own.clock.advance(10);
    expect(json((await server.send('GET', '/v1/sagas/newer')).text)).toMatchObject({ status: 'completed' });
    expect(json((await server.send('GET', '/v1/attention')).text)).toEqual({ items: [] });
  });
});

/** The payload of a record that stands behind another in its append: it has no link. */
function unlinked({ payload }: WalEntry): string {
  const text = typeof payload === 'string' ? payload : new TextDecoder().decode(payload);
  return text.replace(/^1 \S+ /, '1 - ');
}

test('the coordinator tells of it once at each opening, and an operator is told again', async () => {
  const own = world();
  await startBoth(own);
  await poison(own, { kind: 199 });
  const observer = recordingObserver();
  const journal = await openWalJournal('data', own);
  await using server = await serverWorld({ ...options(own, journal), observer, realertAfter: '1h' });
  expect(server).toBeDefined();
  expect(observer.ofType('tempo.recovered')).toMatchObject([{ sagas: 1, blocked: 1 }]);
  expect(observer.ofType('tempo.unreadable')).toMatchObject([{ sagaId: 'poisoned', sagaName: 'approve', seq: 6 }]);
  await own.clock.advance(3_600_000);
  expect(observer.ofType('attention.raised')).toMatchObject([{ repeated: 0 }, { repeated: 1 }]);
});
