import { isDeepStrictEqual } from 'node:util';
import {
  SagaFirstConflictError,
  type SagaFirstStore,
  SagaFirstStoreClosedError,
} from '../saga-first/saga-first-store.ts';
import type { CompensationRegistration, SagaFirstDraft } from '../saga/saga-first/saga-first-record.ts';
import type { SagaFirstState } from '../saga/saga-first/saga-first-state.ts';

/** How a suite gets at stores of the kind under test. */
export interface SagaFirstStoreHarness {
  /** A store on storage of its own, empty. */
  readonly open: () => Promise<SagaFirstStore>;
  /** Closes the store and opens its storage again; absent when nothing survives a close. */
  readonly reopen?: (store: SagaFirstStore) => Promise<SagaFirstStore>;
  /** Another opening of the same storage, beside the first; absent when there may be only one. */
  readonly openBeside?: (store: SagaFirstStore) => Promise<SagaFirstStore>;
}

/** One promise of {@link SagaFirstStore}, and how to find out whether an implementation keeps it. */
export interface SagaFirstStoreCheck {
  /** The promise, as a test is named. */
  readonly name: string;
  /** Resolves when it is kept, rejects with what was seen instead. */
  readonly run: (harness: SagaFirstStoreHarness) => Promise<void>;
}

const refund: CompensationRegistration = {
  name: 'refund',
  args: { order: 7, text: 'é "quoted" 😀' },
  operationKey: 'order-7/charge/action',
  settleAfterMs: 33_000,
  version: '1',
};

function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`Expected ${what} to be ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

async function refused(attempt: () => Promise<unknown>, matches: (error: unknown) => boolean): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (matches(error)) return;
    throw new Error(`Expected another refusal than ${String(error)}`, { cause: error });
  }
  throw new Error('Expected a refusal, got none');
}

function isClosed(error: unknown): boolean {
  return error instanceof SagaFirstStoreClosedError;
}

/** Writes records one after the other and gives the state behind the last. */
async function writeAll(
  store: SagaFirstStore,
  id: string,
  drafts: readonly SagaFirstDraft[],
  before: number = 1,
): Promise<SagaFirstState> {
  let seq = before;
  for (const draft of drafts) {
    const { won, state } = await store.append(id, draft, seq);
    same([won, state.seq], [true, seq + 1], `the write of "${draft.type}"`);
    seq = state.seq;
  }
  return (await store.read(id))?.state as SagaFirstState;
}

const undone: readonly SagaFirstDraft[] = [
  { type: 'attempted', phase: 'operation', attempt: 2 },
  { type: 'triggered', reason: 'failed', failure: { code: 'E', message: 'it failed' }, mayArrive: true },
  { type: 'attempted', phase: 'compensation', attempt: 1 },
  { type: 'escalated', failure: { code: 'E', message: 'it cannot be undone' } },
  { type: 'reopened', by: 'ada' },
  { type: 'attempted', phase: 'compensation', attempt: 1 },
  { type: 'compensated' },
];

const promises: Readonly<Record<string, SagaFirstStoreCheck['run']>> = {
  'registers once: the same again finds what stands, another is refused': async ({ open }) => {
    await using store = await open();
    same((await store.register('a/b', refund)).won, true, 'the first registration to win');
    const again = await store.register('a/b', refund);
    same([again.won, again.state.seq, again.state.registration], [false, 1, refund], 'the second registration');
    const other = { ...refund, name: 'other' };
    await refused(
      () => store.register('a/b', other),
      (error) => error instanceof SagaFirstConflictError,
    );
    await refused(
      () => store.register('a/b', { ...refund, args: { order: 8 } }),
      (error) => error instanceof SagaFirstConflictError,
    );
  },
  'of registrations at the same time one wins': async ({ open }) => {
    await using store = await open();
    const all = await Promise.all(Array.from({ length: 8 }, () => store.register('a', refund)));
    same(all.filter(({ won }) => won).length, 1, 'the number of winners');
  },
  'the first decision wins, and the loser is told which it was': async ({ open }) => {
    await using store = await open();
    await store.register('a', refund);
    const [confirmed, triggered] = await Promise.all([
      store.append('a', { type: 'confirmed', result: { receipt: 1 } }, 1),
      store.append('a', { type: 'triggered', reason: 'abandoned' }, 1),
    ]);
    same(confirmed.won, !triggered.won, 'whether the confirmation won');
    same(confirmed.state, triggered.state, 'what both are told');
    same((await store.read('a'))?.state, confirmed.state, 'what is read afterwards');
  },
  'every kind of record is folded as it was written': async ({ open }) => {
    await using store = await open();
    await store.register('a', refund);
    const state = await writeAll(store, 'a', undone);
    const { status, seq, operationAttempts, compensationAttempts, generation, mayArrive, reason } = state;
    same([status, seq, operationAttempts, compensationAttempts], ['compensated', 8, 2, 1], 'the state');
    same([generation, mayArrive, reason], [1, true, 'failed'], 'the rest of it');
    await store.register('b', refund);
    const released = await writeAll(store, 'b', [{ type: 'confirmed', result: [1, null, 'x'] }, { type: 'released' }]);
    same([released.status, released.result], ['released', [1, null, 'x']], 'the released step');
    await store.register('c', refund);
    const saga = [
      { type: 'confirmed', result: 1 },
      { type: 'triggered', reason: 'saga-aborted' },
      { type: 'noop' },
    ] as const;
    same((await writeAll(store, 'c', saga)).status, 'noop', 'the step of a saga that is undone');
    await store.register('d', refund);
    const failure = { code: 'E', message: 'm' };
    const byHand = [
      { type: 'escalated', failure },
      { type: 'resolved', by: 'ada', note: 'by phone' },
    ] as const;
    same((await writeAll(store, 'd', byHand)).status, 'resolved', 'the step that a person saw to');
  },
  'a record that cannot follow, or comes too late, is not written': async ({ open }) => {
    await using store = await open();
    await store.register('a', refund);
    same((await store.append('a', { type: 'compensated' }, 1)).won, false, 'the end before a decision to win');
    const { won } = await store.append('a', { type: 'attempted', phase: 'operation', attempt: 2 }, 5);
    same([won, (await store.read('a'))?.state.seq], [false, 1], 'a record out of its order');
    await writeAll(store, 'a', [{ type: 'confirmed', result: null }, { type: 'released' }]);
    const late = await store.append('a', { type: 'triggered', reason: 'saga-aborted' }, 3);
    same([late.won, late.state.status], [false, 'released'], 'a trigger after the release');
    await refused(
      () => store.append('nobody', { type: 'released' }, 1),
      (error) => error instanceof TypeError,
    );
    same(await store.read('nobody'), undefined, 'an unknown step');
  },
  'lists by status, ordered by id, in pages, with the time of the store': async ({ open }) => {
    await using store = await open();
    for (const id of ['c', 'a', 'd', 'b']) await store.register(id, refund);
    await store.append('b', { type: 'confirmed', result: null }, 1);
    const first = await store.list({ statuses: ['registered', 'triggered'], limit: 2 });
    same(
      first.items.map(({ id }) => id),
      ['a', 'c'],
      'the first page',
    );
    same(
      first.items.every(({ registeredAt }) => registeredAt <= first.now),
      true,
      'the time of the store',
    );
    const second = await store.list({ statuses: ['registered', 'triggered'], after: 'c' });
    same(
      second.items.map(({ id }) => id),
      ['d'],
      'the last page',
    );
    same((await store.list({ statuses: ['confirmed'] })).items.length, 1, 'the confirmed steps');
    await refused(
      () => store.list({ statuses: [], limit: 0 }),
      (error) => error instanceof RangeError,
    );
  },
  'after close every use is refused, and closing again is not': async ({ open }) => {
    const store = await open();
    await store.close();
    await store.close();
    await refused(() => store.register('a', refund), isClosed);
    await refused(() => store.read('a'), isClosed);
    await refused(() => store.list({ statuses: ['registered'] }), isClosed);
  },
  'what was told is there after the store was opened anew': async ({ open, reopen }) => {
    if (reopen === undefined) return;
    const before = await open();
    await before.register('a', refund);
    const state = await writeAll(before, 'a', undone);
    await before.register('b', refund);
    await using after = await reopen(before);
    same((await after.read('a'))?.state, state, 'the closed step');
    same(
      (await after.list({ statuses: ['registered'] })).items.map(({ id }) => id),
      ['b'],
      'the open steps',
    );
    same((await after.append('b', { type: 'confirmed', result: 1 }, 1)).won, true, 'the next record to win');
  },
  'two processes that decide at the same time agree': async ({ open, openBeside }) => {
    if (openBeside === undefined) return;
    await using one = await open();
    await using other = await openBeside(one);
    for (let round = 0; round < 10; round++) {
      const id = `step-${round}`;
      const both = await Promise.all([one.register(id, refund), other.register(id, refund)]);
      same(both.filter(({ won }) => won).length, 1, 'the number of registrations that won');
      const [confirmed, triggered] = await Promise.all([
        one.append(id, { type: 'confirmed', result: round }, 1),
        other.append(id, { type: 'triggered', reason: 'abandoned' }, 1),
      ]);
      same(confirmed.won, !triggered.won, 'whether the confirmation won');
      same(confirmed.state, triggered.state, 'what both are told');
    }
  },
};

/**
 * Every promise of the `SagaFirstStore` port, for whoever writes one: run each against the real thing.
 *
 * @example
 * for (const { run } of sagaFirstStoreContract) await run({ open: async () => memorySagaFirstStore() });
 */
export const sagaFirstStoreContract: readonly SagaFirstStoreCheck[] = Object.entries(promises).map(([name, run]) => ({
  name,
  run,
}));
