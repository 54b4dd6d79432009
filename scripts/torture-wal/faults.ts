/** A disk that fails while it is used: power cuts, failed and short calls, no space. */
import { isMakegoodError } from '../../src/errors.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFaults, type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import { smallSegmentBytes } from '../../test/property/wal-disk.ts';
import {
  type Action,
  checkRecovered,
  entryOf,
  type History,
  logPath,
  play,
  recover,
  worldOptions,
} from '../../test/property/wal-world.ts';
import type { Effort, Tally, Torture } from './tally.ts';

/** Rotation, marks, a reopening, appends of several records: every kind of write there is, several times. */
const scenario: readonly Action[] = [
  { type: 'append', calls: [[20], [100, 0, 7], [900]] },
  { type: 'silence' },
  { type: 'append', calls: [[1500], [1500], [1500]] },
  { type: 'append', calls: [[2500], [1]] },
  { type: 'reopen' },
  { type: 'append', calls: [[60], [3000]] },
  { type: 'silence' },
  { type: 'append', calls: [[5], [6]] },
];

/** What a history becomes once recovery has had the last word: given to its owner counts as acknowledged. */
function settle(history: History, lsns: readonly number[]): History {
  const calls = history.calls.filter(({ first }) => first < lsns.length);
  return { calls: calls.map(({ first, sizes }) => ({ first, sizes, lsn: lsns[first] ?? Number.NaN })) };
}

/** Reopens and checks; then the power fails, and what was given out must still be there. */
async function reopenCrashReopen(files: MemoryFiles, history: History): Promise<void> {
  const { records } = await recover(files, smallSegmentBytes);
  checkRecovered(history, records);
  const known = settle(
    history,
    records.map(({ lsn }) => lsn),
  );
  files.crash();
  const again = await recover(files, smallSegmentBytes);
  checkRecovered(known, again.records);
  await again.wal.append([entryOf(again.records.length, 9)]);
  await again.wal.close();
}

async function playUntilItFails(files: MemoryFiles, history: History): Promise<void> {
  // Any failure is fine: what must hold is what is found afterwards.
  await play(files, scenario, smallSegmentBytes, history).catch(() => undefined);
}

async function operationsOf(): Promise<number> {
  const files = memoryFiles();
  await play(files, scenario, smallSegmentBytes, { calls: [] });
  return files.operations;
}

async function lostPages(tally: Tally, effort: Effort): Promise<void> {
  const operations = await operationsOf();
  for (let operation = 1; operation <= operations; operation++)
    for (let seed = 0; seed < (effort === 'short' ? 3 : 100); seed++)
      await tally.try(`power cut at operation ${operation}, seed ${seed}`, async () => {
        const files = memoryFiles({
          random: seededRandom(seed * 1000 + operation),
          faults: { powerFailsAt: operation },
        });
        const history: History = { calls: [] };
        await playUntilItFails(files, history);
        files.crash();
        await reopenCrashReopen(files, history);
      });
}

/** The same files for a new process: its cache stays, its locks are gone. */
function restarted(files: MemoryFiles, generation: number): MemoryFiles {
  return new Proxy(files, {
    get(target, key, receiver) {
      if (key === 'lock') return () => target.lock(`/generation-${generation}`);
      const value: unknown = Reflect.get(target, key, receiver);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const countedFaults = ['syncFailsAt', 'writeFailsAt', 'readFailsAt'] as const;

async function nthCall(tally: Tally, effort: Effort): Promise<void> {
  for (const fault of countedFaults)
    for (let call = 1; call <= 80; call++)
      for (let seed = 0; seed < (effort === 'short' ? 1 : 20); seed++)
        await tally.try(`${fault} ${call}, seed ${seed}`, async () => {
          const files = memoryFiles({ random: seededRandom(seed * 100 + call), faults: { [fault]: call } });
          const history: History = { calls: [] };
          await playUntilItFails(files, history);
          delete files.faults[fault];
          await reopenCrashReopen(restarted(files, 1), history);
        });
}

/** A disk that refuses to read is not a log that ends, nor one that is damaged. */
async function refusedReads(tally: Tally): Promise<void> {
  const whole = memoryFiles();
  const history: History = { calls: [] };
  await play(whole, scenario, smallSegmentBytes, history);
  const probe = whole.clone(seededRandom(1));
  const enough = 1_000_000;
  probe.faults.readFailsAt = enough;
  await (await recover(probe, smallSegmentBytes)).wal.close();
  const reads = enough - (probe.faults.readFailsAt ?? enough);
  for (let read = 1; read <= reads; read++)
    await tally.try(`EIO at read ${read} of ${reads} of opening`, async () => {
      const files = whole.clone(seededRandom(1));
      files.faults.readFailsAt = read;
      const error: unknown = await recover(files, smallSegmentBytes).catch((reason: unknown) => reason);
      if (!isMakegoodError(error, 'MAKEGOOD_WAL_READ_FAILED'))
        throw new Error(`opening answered ${error instanceof Error ? error.message : 'as if all were well'}`);
    });
}

async function shortCalls(tally: Tally, effort: Effort): Promise<void> {
  for (let seed = 0; seed < (effort === 'short' ? 40 : 1000); seed++)
    await tally.try(`reads and writes cut short, seed ${seed}`, async () => {
      const files = memoryFiles({ random: seededRandom(seed), faults: { shortRatio: 0.7 } });
      const history: History = { calls: [] };
      await play(files, scenario, smallSegmentBytes, history);
      if (history.calls.some(({ lsn }) => lsn === undefined)) throw new Error('a short write was taken for a failure');
      files.crash();
      await reopenCrashReopen(files, history);
    });
}

async function noSpace(tally: Tally, effort: Effort): Promise<void> {
  const step = effort === 'short' ? 1371 : 97;
  for (let capacityBytes = 0; capacityBytes < 5 * smallSegmentBytes; capacityBytes += step)
    await tally.try(`${capacityBytes} bytes of disk`, async () => {
      const faults: MemoryFaults = { capacityBytes };
      const files = memoryFiles({ faults });
      const history: History = { calls: [] };
      await playUntilItFails(files, history);
      delete files.faults.capacityBytes;
      await reopenCrashReopen(restarted(files, 1), history);
    });
}

async function checkpoints(tally: Tally, effort: Effort): Promise<void> {
  const seeds = effort === 'short' ? 2 : 30;
  for (let operation = 1; operation <= 140; operation++)
    for (let seed = 0; seed < seeds; seed++)
      await tally.try(`power cut at operation ${operation} of checkpoints and trimming, seed ${seed}`, async () => {
        const files = memoryFiles({
          random: seededRandom(seed * 1000 + operation),
          faults: { powerFailsAt: operation },
        });
        const acknowledged = await checkpointed(files).catch(() => acknowledgedSoFar);
        files.crash();
        const found = await sumOf(files);
        if (found < acknowledged) throw new Error(`${acknowledged} appends were acknowledged and ${found} are found`);
        if ((await sumOf(files)) !== found) throw new Error('a second opening finds something else');
      });
}

let acknowledgedSoFar = 0;

/** Appends numbered entries; checkpoints hold how many there were, and the log is trimmed behind them. */
async function checkpointed(files: MemoryFiles): Promise<number> {
  acknowledgedSoFar = 0;
  const wal = await openWal(logPath, worldOptions(files, testClock(), smallSegmentBytes));
  for (let round = 0; round < 4; round++) {
    for (let number = 0; number < 4; number++) {
      await wal.append([entryOf(acknowledgedSoFar, 900)]);
      acknowledgedSoFar++;
    }
    await wal.checkpoint(wal.point, [{ ...entryOf(0, 0), timestamp: acknowledgedSoFar }]);
    await wal.trimBefore(wal.durableLsn);
  }
  await wal.close();
  return acknowledgedSoFar;
}

/** How many appends a log knows of: those its checkpoint tells of, and those behind it, without a gap. */
async function sumOf(files: MemoryFiles): Promise<number> {
  let known = 0;
  const wal = await openWal(logPath, {
    ...worldOptions(files, testClock(), smallSegmentBytes),
    onCheckpoint: ({ timestamp }) => (known = timestamp),
    onRecord: ({ timestamp }) => {
      if (timestamp !== known) throw new Error(`entry ${timestamp} where ${known} was due`);
      known++;
    },
  });
  await wal.close();
  return known;
}

const section = (name: string, run: Torture['run']): Torture => ({ name, inMemory: true, run });

export const faultTortures: readonly Torture[] = [
  section('power cut at every operation, any subset of pages kept', lostPages),
  section('EIO on the n-th sync, write or read', nthCall),
  section('EIO at every read of opening', refusedReads),
  section('short reads and writes', shortCalls),
  section('a disk of every size', noSpace),
  section('power cut in checkpoints and trimming', checkpoints),
];
