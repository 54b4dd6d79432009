import * as fc from 'fast-check';
import { seededRandom } from '../../src/ports/random.ts';
import type { MemoryFiles } from '../../src/testing/memory-files.ts';
import { type TestClock, testClock } from '../../src/testing/test-clock.ts';
import type { WalEvent } from '../../src/wal/wal-events.ts';
import type { Wal } from '../../src/wal/segmented-wal.ts';
import { openWal } from '../../src/wal/wal.ts';
import type { WalOptions } from '../../src/wal/wal-options.ts';
import type { WalEntry, WalRecord } from '../../src/wal/wal-record.ts';

export const logPath = '/data/log';

/** Something a caller of a log does. */
export type Action =
  /** Appends that are made together and then waited for; each is a list of payload sizes. */
  | { readonly type: 'append'; readonly calls: readonly (readonly number[])[] }
  /** Long enough for the log to mark its end. */
  | { readonly type: 'silence' }
  | { readonly type: 'reopen' }
  /** A checkpoint of all that was acknowledged, which is written while the next action goes on. */
  | { readonly type: 'checkpoint' }
  /** Whatever the checkpoints make superfluous is removed, after the checkpoint in hand. */
  | { readonly type: 'trim' };

/** What was asked of a log and what it answered. */
export interface History {
  /** One for each append, in order; `first` and `sizes` say which entries, `lsn` is there once it was acknowledged. */
  readonly calls: { readonly first: number; readonly sizes: readonly number[]; lsn?: number }[];
}

const size = fc.oneof({ weight: 8, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat(3000) });
// A segment of 8 KiB holds no more in one append.
const call = fc
  .array(size, { minLength: 1, maxLength: 4 })
  .filter((sizes) => sizes.reduce((sum, bytes) => sum + bytes, 0) <= 3200);

export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      calls: fc.array(call, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'silence' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reopen' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'checkpoint' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'trim' as const }) },
);

/** Entry number `number`, the same whenever it is asked for; some are text, some are not ASCII, some are bytes. */
export function entryOf(number: number, payloadBytes: number): WalEntry {
  const ids = { txId: `tx-${number}`, stepId: number % 3 === 0 ? '' : number % 3 === 1 ? 'step' : 'étape' };
  const payload =
    number % 2 === 0
      ? `${'é'.repeat(payloadBytes % 7)}${String(number).repeat(payloadBytes)}`.slice(0, payloadBytes)
      : Uint8Array.from({ length: payloadBytes }, (_, index) => (number * 31 + index * 7) & 255);
  return { kind: number & 255, state: (number >> 3) & 255, timestamp: number, ...ids, payload };
}

const encoder = new TextEncoder();

/** What is wrong with a record that should be entry `number`, or nothing. */
function whatDiffers(record: WalRecord, number: number, payloadBytes: number): string | undefined {
  const wanted = entryOf(number, payloadBytes);
  const bytes = typeof wanted.payload === 'string' ? encoder.encode(wanted.payload) : wanted.payload;
  for (const key of ['kind', 'state', 'timestamp', 'txId', 'stepId'] as const)
    if (record[key] !== wanted[key]) return `${key} is ${record[key]} instead of ${wanted[key]}`;
  if (record.payload.length !== bytes.length) return `${record.payload.length} bytes instead of ${bytes.length}`;
  return bytes.every((byte, index) => byte === record.payload[index]) ? undefined : 'another payload';
}

/** Options under which logs are tried: small segments, small batches, a clock that is moved by hand. */
export function worldOptions(files: MemoryFiles, clock: TestClock, segmentBytes: number): WalOptions {
  return { files, clock, segmentBytes, random: seededRandom(42), flush: { maxBatchBytes: 2048, maxBatchRecords: 16 } };
}

async function appendAll(wal: Wal, history: History, action: Action & { type: 'append' }): Promise<void> {
  const appends = action.calls.map(async (sizes) => {
    const last = history.calls.at(-1);
    const made: History['calls'][number] = { first: last === undefined ? 0 : last.first + last.sizes.length, sizes };
    history.calls.push(made);
    made.lsn = await wal.append(sizes.map((bytes, index) => entryOf(made.first + index, bytes)));
  });
  await Promise.allSettled(appends);
}

/** What an owner that keeps all its entries would write into a checkpoint. */
function* held(history: History, upTo: number): Generator<WalEntry> {
  for (const { first, sizes, lsn } of history.calls) {
    if (lsn === undefined || lsn >= upTo) return;
    for (const [index, bytes] of sizes.entries()) {
      const { payload } = entryOf(first + index, bytes);
      // The place of the first entry of a call is what was acknowledged; those of the others lie behind it.
      yield { kind: 0, state: 0, timestamp: first + index, txId: String(lsn + index), stepId: String(bytes), payload };
    }
  }
}

function fromCheckpoint(record: WalRecord): WalRecord {
  const { kind, state, timestamp, txId, stepId } = entryOf(record.timestamp, Number(record.stepId));
  return { lsn: Number(record.txId), kind, state, timestamp, txId, stepId, payload: record.payload.slice() };
}

/** Does the actions, noting in `history` what happens, until they are done or the log or its disk fails. */
export async function play(
  files: MemoryFiles,
  actions: readonly Action[],
  segmentBytes: number,
  history: History,
): Promise<void> {
  const clock = testClock();
  const observer = ({ type }: WalEvent): void => {
    // Appends would wait for room for ever.
    if (type === 'wal.exhausted') wal.close().catch(() => undefined);
  };
  const options = { ...worldOptions(files, clock, segmentBytes), observer };
  let wal = await openWal(logPath, options);
  let working: Promise<unknown> = Promise.resolve();
  for (const action of actions) {
    if (action.type === 'append') await appendAll(wal, history, action);
    else if (action.type === 'silence') await clock.advance(11);
    else if (action.type === 'checkpoint') {
      await working;
      working = wal.checkpoint(wal.point, held(history, wal.point.lsn));
      working.catch(() => undefined);
    } else if (action.type === 'trim') {
      await working;
      await wal.trimBefore(wal.durableLsn);
    } else {
      await working;
      await wal.close();
      wal = await openWal(logPath, options);
    }
    if (wal.failed !== undefined) return;
  }
  await working;
}

/** Opens the log and gives its records back, copied. */
export async function recover(
  files: MemoryFiles,
  segmentBytes: number,
): Promise<{ readonly wal: Wal; readonly records: readonly WalRecord[] }> {
  const records: WalRecord[] = [];
  const wal = await openWal(logPath, {
    ...worldOptions(files, testClock(), segmentBytes),
    onCheckpoint: (record) => records.push(fromCheckpoint(record)),
    onRecord: (record) => records.push({ ...record, payload: record.payload.slice() }),
  });
  return { wal, records };
}

/**
 * The invariants: acknowledged ⊆ recovered; recovered is a gap-free prefix of what was appended, of whole calls; nothing
 * differs; positions grow.
 */
export function checkRecovered(history: History, records: readonly WalRecord[]): void {
  let next = 0;
  for (const { first, sizes, lsn } of history.calls) {
    if (next === records.length) {
      if (lsn !== undefined) throw new Error(`append of entry ${first} was acknowledged at ${lsn} and is lost`);
      continue;
    }
    if (first !== next) throw new Error(`entry ${first} is missing before ${records.length - next} others`);
    for (const [index, payloadBytes] of sizes.entries()) {
      const record = records[next];
      if (record === undefined) throw new Error(`append of entry ${first} was torn after ${index} of ${sizes.length}`);
      const differs = whatDiffers(record, next, payloadBytes);
      if (differs !== undefined) throw new Error(`entry ${next}: ${differs}`);
      if (index === 0 && lsn !== undefined && lsn !== record.lsn)
        throw new Error(`entry ${next} was acknowledged at ${lsn} and stands at ${record.lsn}`);
      const before = records[next - 1];
      if (before !== undefined && before.lsn >= record.lsn) throw new Error(`entry ${next} stands before ${next - 1}`);
      next++;
    }
  }
  if (next !== records.length) throw new Error(`${records.length - next} records that were never appended`);
}
