/** Several coordinators on one PostgreSQL journal. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { systemClock } from '../../../src/ports/index.ts';
import { saga, TerminalError } from '../../../src/saga/index.ts';
import { approvalSaga, Ledger, type Node, openNode, until } from './cluster-world.ts';
import { transactionPooler } from './pooler.ts';

let postgres: Service;
let schema = '';
let schemas = 0;
let ledger: Ledger;
let approval: ReturnType<typeof approvalSaga>;

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres[Symbol.asyncDispose]());
beforeEach(() => {
  schema = `cluster_${++schemas}`;
  ledger = new Ledger();
  approval = approvalSaga(ledger);
});

const open = (): Promise<Node> => openNode(postgres.url, schema, { sagas: [approval] });
const openPooled = (): Promise<Node> =>
  openNode(postgres.url, schema, { sagas: [approval], through: transactionPooler });
// A node that loses a short lease to a busy machine is no crash of the step's.
const openPatient = (): Promise<Node> =>
  openNode(postgres.url, schema, { sagas: [approval], tempo: { crashLimit: Infinity } });
const reopened = (node: Node): number => node.events.filter(({ type }) => type === 'tempo.shard-opened').length;
const codeOf = (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: { code?: string }) => error.code);
const input = { amount: 5 };
const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, place) => `order-${place}`);
const balanced = (...nodes: readonly Node[]): Promise<void> =>
  until('a fair share each', () => nodes.every(({ shards }) => shards.size === 8 / nodes.length));

test('a node that joins gets a fair share, and one that leaves gives it back', async () => {
  await using first = await open();
  expect(first.shards.size).toBe(8);
  const second = await open();
  await balanced(first, second);
  expect([...first.shards].filter((shard) => second.shards.has(shard)).length).toBe(0);
  await second[Symbol.asyncDispose]();
  await until('all with the first', () => first.shards.size === 8, 1000);
  expect(first.events.filter(({ type }) => type === 'tempo.shard-lost')).toEqual([]);
});

test('any node starts, shows, signals, awaits and cancels any saga, whoever drives it', async () => {
  await using first = await open();
  await using second = await open();
  await balanced(first, second);
  const started = await Promise.all(ids(16).map((id) => first.tempo.start(approval, { id, input })));
  expect(started.every(({ created }) => created)).toBe(true);
  await until('all wait', async () => (await second.tempo.list({ status: 'waiting' })).items.length === 16);
  expect((await second.tempo.get('order-3'))?.steps.map(({ state }) => state)).toEqual([
    'confirmed',
    'running',
    'pending',
  ]);
  await Promise.all(ids(12).map((id) => second.tempo.signal(id, 'approved')));
  const cancelled = await Promise.all(
    ids(16)
      .slice(12)
      .map((id) => second.tempo.cancel(id, { reason: 'changed my mind' })),
  );
  expect(cancelled.map(({ cancelReason }) => cancelReason)).toEqual(Array.from({ length: 4 }, () => 'changed my mind'));
  const outcomes = await Promise.all(started.map((run) => run.outcome()));
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...Array.from({ length: 12 }, () => 'completed'),
    ...Array.from({ length: 4 }, () => 'compensated'),
  ]);
  const effects = ids(16).flatMap((id, place) => [`${id} reserve`, place < 12 ? `${id} charge` : `${id} release`]);
  expect(ledger.effects.toSorted()).toEqual(effects.toSorted());
});

test('the same start at two nodes at once is one saga, and another request under its id is refused', async () => {
  await using first = await open();
  await using second = await open();
  await balanced(first, second);
  const pairs = await Promise.all(
    ids(10).map((id) => Promise.all([first, second].map(({ tempo }) => tempo.start(approval, { id, input })))),
  );
  expect(pairs.map((pair) => pair.filter(({ created }) => created).length)).toEqual(ids(10).map(() => 1));
  const other = second.tempo.start(approval, { id: 'order-0', input: { amount: 6 } });
  await expect(other).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_CONFLICT' });
  await until('each reserved once', () => ledger.effects.length === 10);
});

test('what an owner refuses is refused to whoever asked, with the code it has there', async () => {
  await using first = await open();
  await using second = await open();
  await balanced(first, second);
  await Promise.all(ids(8).map((id) => first.tempo.start(approval, { id, input })));
  const refusals = await Promise.all(
    [first, second].flatMap(({ tempo }) =>
      ids(8).map((id) => tempo.signal(id, 'nothing').catch((error: { code?: string }) => error.code)),
    ),
  );
  expect(new Set(refusals)).toEqual(new Set(['MAKEGOOD_SIGNAL_REFUSED']));
  const missing = await Promise.all(
    ['x', 'y', 'z'].map((id) => second.tempo.cancel(id).catch((error: { code?: string }) => error.code)),
  );
  expect(new Set(missing)).toEqual(new Set(['MAKEGOOD_SAGA_NOT_FOUND']));
});

test('a handle outlives the ownership of its saga', async () => {
  await using first = await openPatient();
  const runs = await Promise.all(ids(16).map((id) => first.tempo.start(approval, { id, input })));
  const outcomes = Promise.all(runs.map((run) => run.outcome()));
  await using second = await openPatient();
  await balanced(first, second);
  await Promise.all(ids(16).map((id) => first.tempo.signal(id, 'approved')));
  expect((await outcomes).map(({ status }) => status)).toEqual(ids(16).map(() => 'completed'));
  expect(ledger.effects.length).toBe(32);
});

test('a node that is cut off loses its sagas to the other, and what it still has to say is not heard', async () => {
  await using first = await open();
  const second = await open();
  await balanced(first, second);
  const runs = await Promise.all(ids(16).map((id) => first.tempo.start(approval, { id, input })));
  await until('all wait', async () => (await first.tempo.list({ status: 'waiting' })).items.length === 16);
  // Every statement of the second node fails from here on, as if it were cut off.
  const connect = second.pool.connect.bind(second.pool);
  second.pool.connect = () => Promise.reject(new Error('cut off'));
  const { rows } = await first.pool.query(`SELECT count(*)::integer AS count FROM ${schema}.node`);
  expect(rows).toEqual([{ count: 2 }]);
  const cutMs = performance.now();
  await until('the first has all', () => first.shards.size === 8);
  expect(performance.now() - cutMs).toBeLessThan(2000);
  await until('the second knows', () => second.shards.size === 0);
  await Promise.all(ids(16).map((id) => first.tempo.signal(id, 'approved')));
  await Promise.all(runs.map((run) => run.result()));
  expect(ledger.effects.length).toBe(32);
  second.pool.connect = connect;
  await balanced(first, second);
  await second[Symbol.asyncDispose]();
});

test('people see what waits for them on every node, and decide on any', async () => {
  const stuck = saga('stuck')
    .input<null>()
    .step('pay', { run: () => 'paid', compensate: () => Promise.reject(new TerminalError('no refund')) })
    .step('ship', { run: () => Promise.reject(new TerminalError('no stock')), compensate: () => undefined })
    .output();
  const openStuck = (): Promise<Node> => openNode(postgres.url, schema, { sagas: [stuck] });
  await using first = await openStuck();
  await using second = await openStuck();
  await balanced(first, second);
  const runs = await Promise.all(ids(6).map((id) => first.tempo.start(stuck, { id, input: null })));
  await Promise.all(runs.map((run) => run.outcome()));
  for (const { tempo } of [first, second])
    expect((await tempo.attention.list()).map(({ sagaId }) => sagaId).toSorted()).toEqual(ids(6));
  await Promise.all(ids(6).map((id) => second.tempo.attention.resolve(id, 'pay', { by: 'ada', note: 'by hand' })));
  await until('all settled', async () => (await first.tempo.list({ status: 'compensated' })).items.length === 6);
  expect(await first.tempo.attention.list()).toEqual([]);
});

test('a saga and the sagas that are steps of it are driven by one node', async () => {
  const child = saga('child')
    .input<string>()
    .step('leaf', { run: ({ sagaId }) => sagaId, readOnly: true })
    .output();
  const parent = saga('parent')
    .input<null>()
    .child('one', child, () => 'a')
    .child('two', child, () => 'b')
    .output();
  const openFamily = (): Promise<Node> => openNode(postgres.url, schema, { sagas: [parent] });
  await using first = await openFamily();
  await using second = await openFamily();
  await balanced(first, second);
  const runs = await Promise.all(ids(8).map((id) => second.tempo.start(parent, { id, input: null })));
  await Promise.all(runs.map((run) => run.result()));
  // A child is released behind its parent's end.
  await until('all have ended', async () => (await first.tempo.list({ status: 'completed' })).items.length === 24);
});

test('behind a pooler in transaction mode everything works, by polling', async () => {
  await using first = await openPooled();
  await using second = await openPooled();
  await balanced(first, second);
  const runs = await Promise.all(ids(8).map((id) => first.tempo.start(approval, { id, input })));
  await until('all wait', async () => (await second.tempo.list({ status: 'waiting' })).items.length === 8);
  await Promise.all(ids(8).map((id) => second.tempo.signal(id, 'approved')));
  await Promise.all(runs.map((run) => run.result()));
  expect(ledger.effects.length).toBe(16);
});

test('a timer that one node set is fired by another, and not before it is due by the time of the server', async () => {
  const nap = saga('nap')
    .input<null>()
    .sleep('rest', '1500ms')
    .step('wake', { run: () => undefined, readOnly: true })
    .output();
  const openNap = (): Promise<Node> => openNode(postgres.url, schema, { sagas: [nap] });
  const first = await openNap();
  await Promise.all(ids(8).map((id) => first.tempo.start(nap, { id, input: null })));
  await using second = await openNap();
  await balanced(first, second);
  await first[Symbol.asyncDispose]();
  await until('all woke', async () => (await second.tempo.list({ status: 'completed' })).items.length === 8);
  for (const { id } of (await second.tempo.list()).items) {
    const history = await second.tempo.history(id);
    const due = history.flatMap((record) => (record.type === 'step-waiting' ? [record.until ?? 0] : []))[0] ?? Infinity;
    const woke = history.find((record) => record.type === 'step-started' && record.step === 'wake')?.timestamp ?? 0;
    expect(woke).toBeGreaterThanOrEqual(due);
  }
});

test('a node that was away for longer than its lease makes no call before it has read its sagas anew', async () => {
  const gate = Promise.withResolvers<void>();
  let awayMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + awayMs };
  const epochs: number[] = [];
  const careful = saga('careful')
    .input<null>()
    .step('before', {
      run: async ({ epoch }) => {
        epochs.push(epoch);
        await gate.promise;
      },
      readOnly: true,
    })
    .step('after', { run: ({ epoch }) => void epochs.push(epoch), readOnly: true })
    .output();
  // Long enough that no renewal comes between the return and the next call.
  await using node = await openNode(postgres.url, schema, { sagas: [careful], clock, lease: '6s' });
  const run = await node.tempo.start(careful, { id: 'order-1', input: null });
  await until('it is at the first step', () => epochs.length === 1);
  // As after SIGSTOP: what was awaited goes on before any timer of the lease has fired.
  awayMs = 10_000;
  gate.resolve();
  await run.outcome();
  expect(epochs).toHaveLength(2);
  expect(epochs[1]).toBeGreaterThan(epochs[0] ?? Infinity);
});

test('after a promotion every lease is void, and epochs go on far above those that may be lost', async () => {
  await using first = await open();
  await using second = await open();
  await balanced(first, second);
  await Promise.all(ids(8).map((id) => first.tempo.start(approval, { id, input })));
  await first.pool.query(`UPDATE ${schema}.lineage SET timeline = timeline - 1`);
  const before = [first, second].map(reopened);
  await until('both began anew', () => [first, second].every((node, place) => reopened(node) > (before[place] ?? 0)));
  await balanced(first, second);
  await Promise.all(ids(8).map((id) => second.tempo.signal(id, 'approved')));
  await until('all completed', async () => (await first.tempo.list({ status: 'completed' })).items.length === 8);
  const { rows } = await first.pool.query(`SELECT min(epoch)::float8 AS least FROM ${schema}.shard`);
  expect((rows[0] as { least: number }).least).toBeGreaterThan(1_000_000_000);
  expect(ledger.effects.length).toBe(16);
});

test('a node that is closed starts nothing and asks nothing, in its own shards and in those of others', async () => {
  await using first = await open();
  await using second = await open();
  await balanced(first, second);
  await Promise.all(ids(8).map((id) => first.tempo.start(approval, { id, input })));
  await second.tempo.close();
  const starts = ids(8).map((id) => codeOf(second.tempo.start(approval, { id: `new-${id}`, input })));
  const cancels = ids(8).map((id) => codeOf(second.tempo.cancel(id)));
  expect(new Set(await Promise.all([...starts, ...cancels]))).toEqual(new Set(['MAKEGOOD_TEMPO_CLOSED']));
});
