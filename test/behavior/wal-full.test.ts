import { describe, expect, test } from 'vitest';
import { JournalFullError } from '../../src/journal/journal.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { saga, TerminalError } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { recordingObserver } from '../../src/testing/recording-observer.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import type { Wal } from '../../src/wal/segmented-wal.ts';
import { all, entry, numbers, open, path, range } from './small-log.ts';

const segmentBytes = 8192;
const clock = testClock();

/** Nothing can become larger any more. */
function fill(files: MemoryFiles): void {
  files.faults.capacityBytes = 0;
}

async function append(wal: Wal, first: number, count: number): Promise<void> {
  for (const number of range(count)) await wal.append([entry(first + number, new Uint8Array(700))]);
  await clock.settle();
}

/** A log whose reserve is used up, and 30 appends, of which the first have gone through. */
async function exhausted(files: MemoryFiles, observer = recordingObserver()) {
  const wal = await open(files, { segmentBytes, clock, observer });
  await append(wal, 0, 4);
  fill(files);
  let done = 4;
  const appends = range(30).map(async (number) => {
    const lsn = await wal.append([entry(4 + number, new Uint8Array(700))]);
    done++;
    return lsn;
  });
  await clock.settle();
  return { wal, observer, appends: Promise.allSettled(appends), done: () => done };
}

describe('a disk without room for the next segment', () => {
  test('is told; appends go on in this segment, in the one made ahead, and in the reserve', async () => {
    const files = memoryFiles();
    const observer = recordingObserver();
    const wal = await open(files, { segmentBytes, clock, observer });
    await append(wal, 0, 4);
    expect(await files.exists(`${path}/RESERVE`)).toBe(true);
    fill(files);
    await append(wal, 4, 4);
    expect(wal.full).toBe(true);
    expect(observer.ofType('wal.full')).toMatchObject([{ path, error: { code: 'ENOSPC' } }]);
    // Two segments and the reserve, four records in each.
    await append(wal, 8, 4);
    expect(await files.exists(`${path}/RESERVE`)).toBe(false);
    expect(wal.failed).toBeUndefined();
    await wal.close();
    delete files.faults.capacityBytes;
    await using again = await open(files, { segmentBytes });
    expect(numbers(await all(again.read()))).toEqual(range(12));
  });

  test('is forgotten by itself within two seconds of there being room, and the reserve is laid in again', async () => {
    const files = memoryFiles();
    const observer = recordingObserver();
    const wal = await open(files, { segmentBytes, clock, observer });
    await append(wal, 0, 4);
    fill(files);
    await append(wal, 4, 7);
    await clock.advance(10_000);
    expect(wal.full).toBe(true);
    expect(observer.ofType('wal.full')).toHaveLength(1);
    expect(await files.exists(`${path}/RESERVE`)).toBe(false);
    delete files.faults.capacityBytes;
    await clock.advance(2000);
    expect(wal.full).toBe(false);
    expect(observer.ofType('wal.space')).toMatchObject([{ path }]);
    expect(await files.exists(`${path}/RESERVE`)).toBe(true);
    await append(wal, 11, 20);
    await wal.close();
    expect(clock.pendingTimers).toBe(0);
    await using again = await open(files, { segmentBytes });
    expect(numbers(await all(again.read()))).toEqual(range(31));
  });

  test('once there is room, nothing is made further ahead than the next segment: a restart finds no damage', async () => {
    const files = memoryFiles({ faults: { capacityBytes: 64 + 2 * segmentBytes + 100 } });
    const wal = await open(files, { segmentBytes, clock });
    await append(wal, 0, 3);
    expect(wal.full).toBe(true);
    delete files.faults.capacityBytes;
    await clock.advance(5000);
    expect(wal.full).toBe(false);
    expect((await files.list(path)).filter((name) => name.endsWith('.seg'))).toHaveLength(2);
    await wal.close();
    await using again = await open(files, { segmentBytes });
    expect(again.recovered.records).toBe(3);
  });

  test('makes appends wait once the reserve is used up, and says so; they go on by themselves with the room', async () => {
    const files = memoryFiles();
    const { wal, observer, appends, done } = await exhausted(files);
    expect(observer.ofType('wal.exhausted')).toMatchObject([{ path, error: { code: 'ENOSPC' } }]);
    const waiting = done();
    expect(waiting).toBeLessThan(34);
    await clock.advance(60_000);
    expect(done()).toBe(waiting);
    expect(observer.ofType('wal.exhausted')).toHaveLength(1);
    delete files.faults.capacityBytes;
    await clock.advance(2000);
    expect((await appends).every(({ status }) => status === 'fulfilled')).toBe(true);
    await clock.advance(2000);
    expect(wal.full).toBe(false);
    await wal.close();
    expect(clock.pendingTimers).toBe(0);
    await using again = await open(files, { segmentBytes });
    expect(numbers(await all(again.read()))).toEqual(range(34));
  });

  test('does not keep a log from closing: what waits for room then fails, and what was durable stays', async () => {
    const files = memoryFiles();
    const { wal, appends, done } = await exhausted(files);
    await wal.close();
    expect(clock.pendingTimers).toBe(0);
    const lost = (await appends).find(({ status }) => status === 'rejected');
    expect(lost).toMatchObject({ reason: { code: 'MAKEGOOD_WAL_FAILED', cause: { code: 'ENOSPC' } } });
    delete files.faults.capacityBytes;
    await using again = await open(files, { segmentBytes });
    const kept = numbers(await all(again.read()));
    expect(kept).toEqual(range(kept.length));
    expect(kept.length).toBe(done());
    expect(kept.length).toBeGreaterThanOrEqual(12);
  });

  test('power cut at any operation of it: what was acknowledged is there, and the log is normal again', async () => {
    for (let cut = 1; cut < 120; cut++) {
      const files = memoryFiles({ random: seededRandom(cut) });
      const wal = await open(files, { segmentBytes, clock });
      await append(wal, 0, 4);
      fill(files);
      files.faults.powerFailsAt = files.operations + cut;
      let acknowledged = 4;
      for (; acknowledged < 14; acknowledged++) {
        const lsn = await wal.append([entry(acknowledged, new Uint8Array(700))]).catch(() => undefined);
        if (lsn === undefined) break;
        if (acknowledged === 10) delete files.faults.capacityBytes;
        await clock.advance(400);
      }
      files.crash();
      delete files.faults.capacityBytes;
      await clock.settle();
      await using again = await open(files, { segmentBytes });
      const kept = numbers(await all(again.read()));
      expect(kept).toEqual(range(kept.length));
      expect(kept.length).toBeGreaterThanOrEqual(acknowledged);
      await append(again, kept.length, 20);
    }
  });
});

describe('a journal on a full disk', () => {
  test('refuses new sagas and says why; running ones are finished, undone and asked for, and it recovers by itself', async () => {
    const files = memoryFiles();
    const observer = recordingObserver();
    const blocked: (() => void)[] = [];
    const undone: string[] = [];
    const order = saga('order')
      .input<{ readonly fails: boolean; readonly note: string }>()
      .step('reserve', { run: () => 'reserved', compensate: ({ sagaId }) => void undone.push(sagaId) })
      .step('charge', {
        run: ({ input }) =>
          new Promise<string>((resolve, reject) =>
            blocked.push(() => (input.fails ? reject(new TerminalError('declined')) : resolve('charged'))),
          ),
        compensate: () => undefined,
      })
      .output();
    const journal = await openWalJournal('/data', { files, clock, observer, segmentBytes });
    await using tempo = await openTempo({ journal, sagas: [order], clock, observer });
    const note = 'x'.repeat(600);
    const running = [];
    for (const number of range(4)) {
      running.push(await tempo.start(order, { id: `order-${number}`, input: { fails: number % 2 === 0, note } }));
      await clock.settle();
    }
    fill(files);
    for (let number = 4; observer.ofType('wal.full').length === 0; number++) {
      running.push(await tempo.start(order, { id: `order-${number}`, input: { fails: false, note } }));
      await clock.settle();
    }
    const refusal = tempo.start(order, { id: 'one-more', input: { fails: false, note } });
    await expect(refusal).rejects.toBeInstanceOf(JournalFullError);
    await expect(refusal).rejects.toMatchObject({ code: 'MAKEGOOD_JOURNAL_FULL', path: '/data' });
    expect((await tempo.start(order, { id: 'order-0', input: { fails: true, note } })).created).toBe(false);
    for (const go of blocked) go();
    const outcomes = await Promise.all(running.map((handle) => handle.outcome()));
    expect(outcomes.slice(0, 4).map(({ status }) => status)).toEqual([
      'compensated',
      'completed',
      'compensated',
      'completed',
    ]);
    expect(undone).toEqual(['order-0', 'order-2']);
    delete files.faults.capacityBytes;
    await clock.advance(2000);
    expect((await tempo.start(order, { id: 'one-more', input: { fails: false, note } })).created).toBe(true);
    await clock.settle();
    blocked.at(-1)?.();
  });
});
