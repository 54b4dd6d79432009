import {
  AppendConflictError,
  type Journal,
  JournalClosedError,
  type PlacedRecord,
  StaleEpochError,
} from '../journal/journal.ts';
import type { SagaRecord } from '../saga/record.ts';

/** How a suite gets at journals of the kind under test. */
export interface JournalHarness {
  /** A journal on storage of its own, empty. */
  readonly open: () => Promise<Journal>;
  /** Closes the journal and opens its storage again; absent when nothing survives a close. */
  readonly reopen?: (journal: Journal) => Promise<Journal>;
}

/** One promise of {@link Journal}, and how to find out whether an implementation keeps it. */
export interface JournalCheck {
  /** The promise, as a test is named. */
  readonly name: string;
  /** Resolves when it is kept, rejects with what was seen instead. */
  readonly run: (harness: JournalHarness) => Promise<void>;
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`Expected ${what} to be ${wanted}, got ${seen}`);
}

async function refused(attempt: () => Promise<unknown>, kind: new (...args: never) => Error): Promise<void> {
  let thrown: unknown;
  try {
    await attempt();
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof kind)) throw new Error(`Expected ${kind.name}, got ${String(thrown)}`, { cause: thrown });
}

/** The first records of a saga, up to its third: started, its first step begun and confirmed. */
function beginning(epoch: number, timestamp: number = 1000): readonly SagaRecord[] {
  return [
    {
      seq: 1,
      epoch,
      timestamp,
      type: 'saga-started',
      name: 'order',
      version: '1',
      definition: 'd',
      steps: ['a', 'b'],
      input: { text: 'é "quoted" 😀' },
    },
    { seq: 2, epoch, timestamp, type: 'step-started', step: 'a', attempt: 1 },
    { seq: 3, epoch, timestamp, type: 'step-confirmed', step: 'a', attempt: 1, output: { nested: [1, 2.5, null] } },
  ];
}

/** One record of every kind there is, as the middle and the end of a saga. Not a legal history: a journal does not judge. */
function everyKind(epoch: number): readonly SagaRecord[] {
  const failure = { code: 'E', message: 'it failed', step: 'b' };
  const header = (seq: number): { seq: number; epoch: number; timestamp: number } => ({
    seq,
    epoch,
    timestamp: 2000 + seq,
  });
  return [
    {
      ...header(4),
      type: 'attempt-failed',
      step: 'b',
      attempt: 1,
      failure,
      delayMs: 12.5,
      retryAt: 5000,
      settleAt: 9000,
    },
    { ...header(5), type: 'step-failed', step: 'b', attempt: 1, failure },
    { ...header(6), type: 'step-unknown', step: 'b', attempt: 2, failure },
    { ...header(7), type: 'step-settled', step: 'b' },
    { ...header(8), type: 'saga-compensating', reason: 'failed', failure },
    { ...header(9), type: 'compensation-started', step: 'a', attempt: 1 },
    {
      ...header(10),
      type: 'compensation-attempt-failed',
      step: 'a',
      attempt: 1,
      failure,
      delayMs: 1000,
      retryAt: 6000,
    },
    { ...header(11), type: 'step-compensated', step: 'a', attempt: 2 },
    { ...header(12), type: 'escalated', step: 'b', phase: 'compensation', failure },
    { ...header(13), type: 'escalated', phase: 'action', failure: { code: 'E', message: 'no output' } },
    { ...header(14), type: 'saga-completed', output: null },
  ];
}

async function unfinished(journal: Journal): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of journal.open()) ids.push(id);
  same(journal.unreadable, [], 'the sagas that cannot be read');
  return ids.toSorted();
}

async function placesAfter(journal: Journal, position: number): Promise<PlacedRecord[]> {
  const found: PlacedRecord[] = [];
  for await (const placed of journal.after(position)) found.push(placed);
  return found;
}

async function start(journal: Journal, id: string, timestamp?: number): Promise<void> {
  await journal.append(id, beginning(journal.epoch, timestamp), { epoch: journal.epoch, expectedSeq: 0 });
}

async function finish(journal: Journal, id: string): Promise<void> {
  const { epoch } = journal;
  await journal.append(id, [{ seq: 4, epoch, timestamp: 3000, type: 'saga-completed', output: 1 }], {
    epoch,
    expectedSeq: 3,
  });
}

const promises: Readonly<Record<string, JournalCheck['run']>> = {
  'reads back what was appended, in order and of every kind': async ({ open }) => {
    await using journal = await open();
    const { epoch } = journal;
    await start(journal, 's');
    await start(journal, 'other');
    await journal.append('s', everyKind(epoch), { epoch, expectedSeq: 3 });
    same(await journal.read('s'), [...beginning(epoch), ...everyKind(epoch)], 'the records of "s"');
    same(await journal.read('nobody'), [], 'the records of an unknown saga');
  },
  'tells the state of a saga, as its records fold to': async ({ open }) => {
    await using journal = await open();
    await start(journal, 's');
    const { seq, status, steps } = (await journal.state('s')) ?? {};
    same([seq, status, steps?.[0]?.status], [3, 'running', 'confirmed'], 'the state of "s"');
    await finish(journal, 's');
    const ended = await journal.state('s');
    same([ended?.status, ended?.output], ['completed', 1], 'its state at the end');
    same(await journal.state('nobody'), undefined, 'the state of an unknown saga');
  },
  'positions grow with every append': async ({ open }) => {
    await using journal = await open();
    const { epoch } = journal;
    const first = await journal.append('a', beginning(epoch), { epoch, expectedSeq: 0 });
    const second = await journal.append('b', beginning(epoch), { epoch, expectedSeq: 0 });
    same(second > first, true, 'the second position beyond the first');
  },
  'each record has a place of its own, in the order written, and what stands behind one can be read': async ({
    open,
    reopen,
  }) => {
    let journal = await open();
    await start(journal, 'a');
    await start(journal, 'b');
    await finish(journal, 'a');
    const all = await placesAfter(journal, -1);
    same(
      all.map(({ sagaId, record }) => [sagaId, record.seq]),
      [...[1, 2, 3].map((seq) => ['a', seq]), ...[1, 2, 3].map((seq) => ['b', seq]), ['a', 4]],
      'all records',
    );
    const places = all.map(({ position }) => position);
    same(new Set(places).size, 7, 'the number of places');
    same(
      places.toSorted((left, right) => left - right),
      places,
      'the places',
    );
    same(
      (await journal.history('a')).map(({ position }) => position),
      all.filter(({ sagaId }) => sagaId === 'a').map(({ position }) => position),
      'the places in the history of "a"',
    );
    if (reopen !== undefined) journal = await reopen(journal);
    for (const [index, place] of places.entries())
      same(await placesAfter(journal, place), all.slice(index + 1), `what stands behind ${place}`);
    await journal.close();
  },
  'refuses an append that does not follow the last record, and keeps nothing of it': async ({ open }) => {
    await using journal = await open();
    const { epoch } = journal;
    await start(journal, 's');
    await refused(() => journal.append('s', beginning(epoch), { epoch, expectedSeq: 0 }), AppendConflictError);
    await refused(() => journal.append('s', everyKind(epoch), { epoch, expectedSeq: 5 }), AppendConflictError);
    const gap = everyKind(epoch).slice(1, 2);
    await refused(() => journal.append('s', gap, { epoch, expectedSeq: 3 }), AppendConflictError);
    same((await journal.read('s')).length, 3, 'the number of records');
  },
  'of two appends of the same records at the same time one wins': async ({ open }) => {
    await using journal = await open();
    const condition = { epoch: journal.epoch, expectedSeq: 0 };
    const append = (): Promise<number> => journal.append('s', beginning(journal.epoch), condition);
    const results = await Promise.allSettled([append(), append()]);
    same(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'the outcomes');
    same((await journal.read('s')).length, 3, 'the number of records');
  },
  'refuses a writer of another epoch': async ({ open }) => {
    await using journal = await open();
    const condition = { epoch: journal.epoch - 1, expectedSeq: 0 };
    await refused(() => journal.append('s', beginning(journal.epoch), condition), StaleEpochError);
    same(await journal.read('s'), [], 'the records');
  },
  'lists sagas by status and name, newest first, in pages': async ({ open }) => {
    await using journal = await open();
    for (const [place, id] of ['a', 'b', 'c', 'd', 'e'].entries()) await start(journal, id, 1000 + place);
    await finish(journal, 'b');
    same(
      (await journal.list({ status: 'completed' })).items.map(({ id }) => id),
      ['b'],
      'the completed sagas',
    );
    const first = await journal.list({ status: 'running', limit: 3 });
    same(
      first.items.map(({ id }) => id),
      ['e', 'd', 'c'],
      'the first page',
    );
    const { nextCursor = 'missing' } = first;
    const second = await journal.list({ status: 'running', limit: 3, cursor: nextCursor });
    same([second.items.map(({ id }) => id), second.nextCursor], [['a'], undefined], 'the last page');
    same(
      (await journal.list()).items.map(({ id }) => id),
      ['e', 'd', 'c', 'b', 'a'],
      'all sagas, in the order of their start',
    );
    same((await journal.list({ name: 'nothing' })).items, [], 'sagas of another name');
    const [newest] = (await journal.list()).items;
    const own = newest?.id ?? '';
    same((await journal.list({ idPrefix: own })).items.at(0)?.id, own, 'the first saga whose id begins so');
    same((await journal.list({ idPrefix: `%${own}` })).items, [], 'sagas whose ids begin with a sign of patterns');
    same(
      (await journal.list({ before: 1001 })).items.map(({ id }) => id),
      ['a'],
      'sagas created before 1001',
    );
    same(
      (await journal.list({ since: 1003, before: 1004 })).items.map(({ id }) => id),
      ['d'],
      'sagas created from 1003 and before 1004',
    );
  },
  'a bad filter is refused': async ({ open }) => {
    await using journal = await open();
    await refused(() => journal.list({ limit: 0 }), RangeError);
    await refused(() => journal.list({ cursor: 'x' }), TypeError);
  },
  'after close every use is refused, and closing again is not': async ({ open }) => {
    const journal = await open();
    await journal.close();
    await journal.close();
    await refused(() => start(journal, 's'), JournalClosedError);
    await refused(async () => await journal.list(), JournalClosedError);
    await refused(async () => await journal.read('s'), JournalClosedError);
  },
  'a reopened journal gives the unfinished sagas as their records left them, and a higher epoch': async ({
    open,
    reopen,
  }) => {
    if (reopen === undefined) return;
    const before = await open();
    const { epoch } = before;
    await start(before, 'open');
    await start(before, 'ended');
    await start(before, 'late');
    await finish(before, 'ended');
    await using after = await reopen(before);
    same(after.epoch > epoch, true, 'a higher epoch');
    const found: [string, number][] = [];
    for await (const { id, seq } of after.open()) found.push([id, seq]);
    same(
      found.toSorted(([left], [right]) => (left < right ? -1 : 1)),
      [
        ['late', 3],
        ['open', 3],
      ],
      'the unfinished sagas',
    );
    same(
      (await after.list()).items.map(({ id }) => id),
      ['late', 'ended', 'open'],
      'all sagas, in the order of their start',
    );
    same(
      await after.read('ended'),
      [...beginning(epoch), { seq: 4, epoch, timestamp: 3000, type: 'saga-completed', output: 1 }],
      'the ended saga',
    );
    same(
      (await after.list({ status: 'completed' })).items.map(({ id }) => id),
      ['ended'],
      'the list of ended sagas',
    );
    await finish(after, 'open');
    same(await unfinished(after), [], 'unfinished sagas, which are told once');
  },
};

/**
 * Every promise of the `Journal` port, for whoever writes one: run each against the real thing.
 *
 * @example
 * // in a test file: for (const { name, run } of journalContract) test(name, () => run(harness));
 * for (const { run } of journalContract) await run({ open: async () => memoryJournal() });
 */
export const journalContract: readonly JournalCheck[] = Object.entries(promises).map(([name, run]) => ({ name, run }));
