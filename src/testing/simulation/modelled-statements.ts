/**
 * The statements of the shared journal, carried out on a {@link ModelledStore}: each is known by what stands in it. One that
 * is not known is an error, so that the journal cannot change without its model.
 */
import { Buffer } from 'node:buffer';
import type { SagaStatus } from '../../saga/status.ts';
import type { ModelledStore, SagaRow, StoredAppend, StoredRecord } from './modelled-store.ts';

type Row = Readonly<Record<string, unknown>>;
type Carry = (store: ModelledStore, values: readonly unknown[], text: string) => readonly Row[];

/** An array as PostgreSQL reads it: `{1,2}` or `{"a","b"}`, or one of JavaScript's own. */
function listOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  const text = String(value).slice(1, -1);
  if (text === '') return [];
  if (!text.startsWith('"')) return text.split(',');
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, item = '']) => item.replaceAll(/\\(.)/g, '$1'));
}

const numbersOf = (value: unknown): readonly number[] => listOf(value).map(Number);

function appendsOf(values: readonly unknown[]): readonly StoredAppend[] {
  const lists = values.slice(1, 21).map(listOf);
  const column = (place: number, index: number): string => lists[place - 1]?.[index] ?? '';
  const body = Buffer.from(values[21] as Uint8Array);
  const records = lists[13]?.map((place, nth) => {
    const [start, length] = [Number(column(19, nth)) - 1, Number(column(20, nth))];
    const record = { seq: Number(column(15, nth)), kind: Number(column(16, nth)), at: Number(column(17, nth)) };
    return { place: Number(place), ...record, step: column(18, nth), body: body.subarray(start, start + length) };
  });
  return (lists[2] ?? []).map((id, index) => ({
    id,
    shard: Number(column(1, index)),
    epoch: Number(column(2, index)),
    expectedSeq: Number(column(4, index)),
    seq: Number(column(5, index)),
    tag: column(6, index),
    status: column(7, index) as SagaStatus,
    finished: column(8, index) === 'true',
    name: column(9, index),
    version: column(10, index),
    bornAt: Number(column(11, index)),
    updatedAt: Number(column(12, index)),
    records: (records ?? []).filter(({ place }) => place === index + 1),
  }));
}

function recordRow({ id, key }: SagaRow, { position, seq, kind, at, step, body }: StoredRecord): Row {
  return { id, key: String(key), position: String(position), kind, at: String(at), step, seq, body: Buffer.from(body) };
}

const recordRows = (sagas: readonly SagaRow[]): readonly Row[] =>
  sagas.flatMap((saga) => saga.records.map((record) => recordRow(saga, record)));

function judged(store: ModelledStore, shard: number, id: string, expectedSeq: number): Row {
  const { owner, epoch = 0 } = store.shards[shard] ?? {};
  const saga = store.find(shard, id);
  const lands = saga?.records.find(({ seq }) => seq === expectedSeq + 1)?.position;
  const moved = { seq: saga?.seq ?? null, tag: saga?.tag ?? null, lands: lands === undefined ? null : String(lands) };
  return { owner: owner === undefined ? null : String(owner), shard_epoch: String(epoch), ...moved, purged_at: null };
}

/** The sagas of a list, by conditions such as `g.status = $1`, and how their ids begin. */
function listed(store: ModelledStore, values: readonly unknown[], text: string): readonly Row[] {
  const rows = store.all().map((saga) => ({
    key: saga.key,
    id: saga.id,
    name: saga.name,
    version: saga.version,
    status: saga.status,
    created_at: saga.createdAt,
    updated_at: saga.updatedAt,
  }));
  const conditions = [...text.matchAll(/g\.(\w+) (=|>=|<) \$(\d+)/g)].map(([, name = '', sign, place]) => {
    const value = values[Number(place) - 1];
    return (row: Row): boolean => {
      if (sign === '=') return row[name] === value;
      return sign === '<' ? Number(row[name]) < Number(value) : Number(row[name]) >= Number(value);
    };
  });
  const [, prefixPlace] = /starts_with\(g\.id, \$(\d+)\)/.exec(text) ?? [];
  const prefix = prefixPlace === undefined ? '' : String(values[Number(prefixPlace) - 1]);
  const limit = Number(/LIMIT (\d+)/.exec(text)?.[1]);
  const found = rows.filter((row) => row.id.startsWith(prefix) && conditions.every((isSo) => isSo(row)));
  return found.toReversed().slice(0, limit);
}

function newsOf(store: ModelledStore, shards: readonly number[]): readonly Row[] {
  const placed = store.all().filter(({ epoch, finished, shard }) => epoch === 0 && !finished && shards.includes(shard));
  const asked = [...store.commands.values()].filter(
    ({ answer, shard }) => answer === undefined && shards.includes(shard),
  );
  return [
    ...placed.map(({ shard, id }) => ({ shard, saga: id, command: null, asker: null, body: null })),
    ...asked.slice(0, 1000).map(({ shard, saga, id, asker, body }) => ({
      shard,
      saga,
      command: String(id),
      asker: String(asker),
      body,
    })),
  ];
}

function sagasOf(store: ModelledStore, shard: unknown, id: unknown): readonly SagaRow[] {
  const saga = store.find(Number(shard), String(id));
  return saga === undefined ? [] : [saga];
}

const nothing = (): readonly Row[] => [];

const statements: readonly (readonly [holds: string, carry: Carry])[] = [
  ['count(*)::integer AS shards', (store) => [{ shards: store.shards.length, at: store.time }]],
  ['enlist_1', (store, [name, , ttlMs]) => [{ id: String(store.enlist(String(name), Number(ttlMs))) }]],
  ['tend_1', tended],
  [
    'released(id, epoch)',
    (store, [me, shards, epochs]) => {
      const released = numbersOf(shards).map((id, place) => ({ id, epoch: numbersOf(epochs)[place] ?? 0 }));
      store.release(Number(me), released);
      return [];
    },
  ],
  ['leave_1', (store, [me]) => (store.leave(Number(me)), [])],
  [
    'append_1',
    (store, values) =>
      store
        .append(Number(values[0]), appendsOf(values))
        .map(({ written, lands }) => ({ written, lands: String(lands) })),
  ],
  [
    's.epoch AS shard_epoch',
    (store, [shards, ids, expected]) =>
      listOf(ids).map((id, place) => judged(store, numbersOf(shards)[place] ?? 0, id, numbersOf(expected)[place] ?? 0)),
  ],
  ['make_days_1', () => [{ made: 0 }]],
  ['purge_1', () => [{ dropped: null, forgotten: 0, held: [] }]],
  ['settled_1', (store, [horizon]) => [{ handed_out: String(store.position), next: '1', settled: horizon !== null }]],
  [
    'j.position > $1',
    (store, [after, last]) =>
      recordRows(store.all())
        .filter(({ position }) => Number(position) > Number(after) && Number(position) <= Number(last))
        .toSorted((one, other) => Number(one['position']) - Number(other['position']))
        .slice(0, 2000),
  ],
  [
    'NOT g.finished AND g.key > $2',
    (store, [shard, after]) =>
      recordRows(
        store
          .all()
          .filter((saga) => saga.shard === Number(shard) && !saga.finished && saga.key > Number(after))
          .slice(0, 500),
      ),
  ],
  [
    'g.epoch = 0 AND g.id = ANY',
    (store, [shard, ids]) =>
      recordRows(
        store.all().filter((saga) => saga.shard === Number(shard) && saga.epoch === 0 && listOf(ids).includes(saga.id)),
      ),
  ],
  ['UNION ALL', (store, [shards]) => newsOf(store, numbersOf(shards))],
  [
    "g.status IN ('terminated', 'needs-human')",
    (store, [shards, ids]) =>
      listOf(ids).flatMap((id, place) => {
        const saga = store.find(numbersOf(shards)[place] ?? 0, id);
        const settled = saga?.finished === true || saga?.status === 'terminated' || saga?.status === 'needs-human';
        return settled ? [{ id }] : [];
      }),
  ],
  ['SELECT status FROM', (store, [shard, id]) => sagasOf(store, shard, id).map(({ status }) => ({ status }))],
  ['ORDER BY j.seq', (store, [shard, id]) => recordRows(sagasOf(store, shard, id))],
  ['ORDER BY g.key DESC', listed],
  [
    'RETURNING id',
    (store, [asker, shard, saga, body]) => [
      { id: String(store.command(Number(asker), Number(shard), String(saga), String(body))) },
    ],
  ],
  [
    'SELECT id, answer',
    (store, [ids]) =>
      numbersOf(ids).flatMap((id) => {
        const { answer } = store.commands.get(id) ?? {};
        return answer === undefined ? [] : [{ id: String(id), answer }];
      }),
  ],
  [
    'command WHERE id = ANY',
    (store, [ids]) => {
      for (const id of numbersOf(ids)) store.commands.delete(id);
      return [];
    },
  ],
  [
    'answer_1',
    (store, [me, id, epoch, reply]) => [
      { answer_1: store.answer(Number(me), Number(id), Number(epoch), String(reply)) },
    ],
  ],
  ['LISTEN', nothing],
];

function tended(store: ModelledStore, [me, ttlMs, takes]: readonly unknown[]): readonly Row[] {
  const found = store.tend(Number(me), Number(ttlMs), takes as 'none' | 'share' | 'all');
  const at = store.time;
  if (found === undefined) return [{ alive: false, at }];
  const { owned, ...rest } = found;
  return [{ alive: true, at, ...rest, shards: owned.map(({ id }) => id), epochs: owned.map(({ epoch }) => epoch) }];
}

/** Carries one statement out. @throws {TypeError} when it is not one of the journal's. */
export function carryOut(store: ModelledStore, text: string, values: readonly unknown[]): readonly Row[] {
  const known = statements.find(([holds]) => text.includes(holds));
  if (known === undefined) throw new TypeError(`Expected a statement of the journal, got ${text}`);
  return known[1](store, values, text);
}
