import { describe, expect, test } from 'vitest';
import { auditArchives } from '../../src/cli/wal/archive-row.ts';
import { auditLog } from '../../src/cli/wal/log-audit.ts';
import { AppendConflictError, type Journal, SagaPurgedError } from '../../src/journal/journal.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import type { WalJournalOptions } from '../../src/journal/wal-journal-options.ts';
import { seededRandom } from '../../src/ports/random.ts';
import type { SagaRecord } from '../../src/saga/record.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import { range } from './small-log.ts';

const path = '/data';
const clock = testClock();
const day = 86_400_000;

function open(files: MemoryFiles, options: WalJournalOptions = {}): Promise<Journal> {
  const small = { segmentBytes: 8192, checkpointBytes: 4096, flush: { maxBatchBytes: 2048 } };
  return openWalJournal(path, { files, clock, random: seededRandom(1), ...small, ...options });
}

/** Starts a saga with an input of some 500 bytes. */
async function start(journal: Journal, id: string, timestamp: number = 1000, allowReuse?: boolean): Promise<void> {
  const { epoch } = journal;
  const header = { epoch, timestamp };
  const input = { id, note: 'x'.repeat(500) };
  const started = { type: 'saga-started', name: 'order', version: '1', definition: 'd', steps: ['a'], input } as const;
  await journal.append(
    id,
    [
      { ...header, seq: 1, ...started },
      { ...header, seq: 2, type: 'step-started', step: 'a', attempt: 1 },
    ],
    { epoch, expectedSeq: 0, allowReuse },
  );
  // Whatever is made beside appending may go on.
  await clock.settle();
}

async function finish(journal: Journal, id: string, timestamp: number = 1000): Promise<void> {
  const header = { epoch: journal.epoch, timestamp };
  const records: SagaRecord[] = [
    { ...header, seq: 3, type: 'step-confirmed', step: 'a', attempt: 1, output: `${id} done` },
    { ...header, seq: 4, type: 'saga-completed', output: id },
  ];
  await journal.append(id, records, { epoch: journal.epoch, expectedSeq: 2 });
  await clock.settle();
}

async function run(journal: Journal, id: string, timestamp?: number): Promise<void> {
  await start(journal, id, timestamp);
  await finish(journal, id, timestamp);
}

async function names(files: MemoryFiles, ending: string, folder: string = path): Promise<string[]> {
  return (await files.list(folder)).filter((name) => name.endsWith(ending)).toSorted();
}

async function allListed(journal: Journal, limit: number, status?: 'completed'): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await journal.list({ limit, cursor, status });
    ids.push(...page.items.map(({ id }) => id));
    if (page.nextCursor === undefined) return ids;
    cursor = page.nextCursor;
  }
}

const ids = range(60).map((number) => `saga-${String(number).padStart(2, '0')}`);

/** A journal with sagas that came and went, long enough for the log to be trimmed, and one that lives. */
async function used(files: MemoryFiles, options: WalJournalOptions = {}): Promise<Journal> {
  const journal = await open(files, options);
  await start(journal, 'alive');
  for (const id of ids) await run(journal, id);
  return journal;
}

describe('finished sagas', () => {
  test('leave the log for the archive: segments go, and every saga is still read, told and listed', async () => {
    const files = memoryFiles();
    const journal = await used(files);
    expect((await names(files, '.seg')).length).toBeLessThanOrEqual(4);
    expect((await names(files, '.seg'))[0]).not.toBe('0000000000000000.seg');
    expect((await names(files, '.arc', `${path}/archive`)).length).toBeGreaterThan(5);
    for (const id of [...ids, 'nobody']) {
      const records = await journal.read(id);
      expect(records.map(({ seq }) => seq)).toEqual(id === 'nobody' ? [] : [1, 2, 3, 4]);
      expect((await journal.state(id))?.output).toBe(id === 'nobody' ? undefined : id);
    }
    expect(await allListed(journal, 7)).toEqual([...ids.toReversed(), 'alive']);
    expect(await allListed(journal, 1000, 'completed')).toEqual(ids.toReversed());
    await journal.close();
  });

  test('are the same after a restart, whether the process closed in order or died', async () => {
    for (const ending of ['close', 'crash']) {
      const files = memoryFiles();
      const journal = await used(files);
      if (ending === 'close') await journal.close();
      else files.crash();
      const again = await open(files);
      const unfinished: string[] = [];
      for await (const { id } of again.open()) unfinished.push(id);
      expect(unfinished).toEqual(['alive']);
      expect(await allListed(again, 13)).toEqual([...ids.toReversed(), 'alive']);
      expect((await again.read('saga-00')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      await expect(start(again, 'saga-00')).rejects.toBeInstanceOf(AppendConflictError);
      await start(again, 'new');
      await again.close();
    }
  });

  test('of a duplicate start, the archive knows: refused with the place of its last record', async () => {
    const journal = await used(memoryFiles());
    await expect(start(journal, 'saga-03')).rejects.toMatchObject({ code: 'MAKEGOOD_APPEND_CONFLICT', actualSeq: 4 });
    await journal.close();
  });

  test('take no memory: the tree lets go of what is archived', async () => {
    const files = memoryFiles();
    const journal = await used(files);
    await journal.close();
    const [newest = ''] = (await names(files, '.ckpt')).toReversed();
    // A finished saga takes a line of its own in a checkpoint only as long as it is not archived.
    expect(files.contents(`${path}/${newest}`).length).toBeLessThan(6000);
  });
});

describe('a saga that lives on', () => {
  test('has its whole history when the segments it began in are gone', async () => {
    const files = memoryFiles();
    const journal = await used(files);
    expect((await journal.read('alive')).map(({ seq }) => seq)).toEqual([1, 2]);
    await finish(journal, 'alive');
    expect((await journal.read('alive')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    await journal.close();
    const again = await open(files);
    expect((await again.read('alive')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect((await again.state('alive'))?.output).toBe('alive');
    await again.close();
  });
});

describe('retention', () => {
  const options = { retention: '30d', tombstoneRetention: '60d' } as const;

  async function aged(files: MemoryFiles): Promise<Journal> {
    const journal = await used(files, options);
    for (const number of range(12)) await run(journal, `day-31-${number}`, 1000 + 31 * day);
    return journal;
  }

  test('purges finished sagas when it is over, by the timestamps in the log; their ids are refused', async () => {
    const journal = await aged(memoryFiles());
    expect(await journal.read('saga-00')).toEqual([]);
    expect(await journal.state('saga-00')).toBeUndefined();
    const refusal = start(journal, 'saga-00');
    await expect(refusal).rejects.toBeInstanceOf(SagaPurgedError);
    await expect(refusal).rejects.toMatchObject({ code: 'MAKEGOOD_SAGA_PURGED', sagaId: 'saga-00', finishedAt: 1000 });
    expect(await allListed(journal, 1000)).not.toContain('saga-00');
    expect((await journal.read('day-31-0')).length).toBe(4);
    await journal.close();
  });

  test('removes the oldest archives once their tombstones have served, and either checkpoint lets the log open then', async () => {
    const files = memoryFiles();
    const journal = await open(files, options);
    for (const id of ids) await run(journal, id);
    for (const number of range(24)) await run(journal, `day-31-${number}`, 1000 + 31 * day);
    const [oldest = ''] = await names(files, '.arc', `${path}/archive`);
    for (const number of range(24)) {
      await run(journal, `day-95-${number}`, 1000 + 95 * day);
      const killed = files.clone(seededRandom(1));
      killed.crash();
      expect((await auditArchives(await auditLog(path, { files: killed }), [], { files: killed })).damages).toEqual([]);
      const [, newest = ''] = await names(killed, '.ckpt');
      await killed.remove(`${path}/${newest}`);
      const again = await open(killed, options);
      expect((await again.read(`day-95-${number}`)).length).toBe(4);
      await again.close();
    }
    expect(await names(files, '.arc', `${path}/archive`)).not.toContain(oldest);
    await journal.close();
  });

  test('an id that was purged is given away again only to whoever says so, and then it is that of the new saga', async () => {
    const files = memoryFiles();
    const journal = await aged(files);
    await start(journal, 'saga-00', 1000 + 32 * day, true);
    await finish(journal, 'saga-00', 1000 + 32 * day);
    for (const number of range(12)) await run(journal, `day-33-${number}`, 1000 + 33 * day);
    expect((await journal.read('saga-00'))[0]).toMatchObject({ timestamp: 1000 + 32 * day });
    await journal.close();
    const again = await open(files, options);
    expect(await again.state('saga-00')).toMatchObject({ status: 'completed', createdAt: 1000 + 32 * day });
    await expect(start(again, 'saga-00', 1000 + 33 * day, true)).rejects.toBeInstanceOf(AppendConflictError);
    await again.close();
  });

  test('keeps the whole history of a saga that lives, whatever its age', async () => {
    const files = memoryFiles();
    const journal = await aged(files);
    await finish(journal, 'alive', 1000 + 31 * day);
    expect((await journal.read('alive')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    await journal.close();
    const again = await open(files, options);
    expect((await again.read('alive')).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    await expect(start(again, 'saga-00')).rejects.toBeInstanceOf(SagaPurgedError);
    await again.close();
  });

  test('of tombstones: when it is over, the files go and the ids are free', async () => {
    const files = memoryFiles();
    const journal = await aged(files);
    await finish(journal, 'alive', 1000 + 31 * day);
    const before = (await names(files, '.arc', `${path}/archive`)).length;
    for (const number of range(12)) await run(journal, `day-62-${number}`, 1000 + 62 * day);
    for (const number of range(12)) await run(journal, `day-93-${number}`, 1000 + 93 * day);
    expect((await names(files, '.arc', `${path}/archive`)).length).toBeLessThan(before);
    await start(journal, 'saga-00', 1000 + 93 * day);
    await journal.close();
  });

  test('a clock that goes back purges nothing early', async () => {
    const journal = await used(memoryFiles(), options);
    for (const number of range(12)) await run(journal, `earlier-${number}`, 1000 - 40 * day);
    expect((await journal.read('saga-00')).length).toBe(4);
    await journal.close();
  });
});

describe('a damaged archive', () => {
  test('never gives a wrong record: any byte flipped is an error, or where nobody looks', async () => {
    const files = memoryFiles();
    await (await used(files)).close();
    const [oldest = ''] = await names(files, '.arc', `${path}/archive`);
    const file = `${path}/archive/${oldest}`;
    const intact = files.contents(file);
    let noticed = 0;
    for (let at = 0; at < intact.length; at += 17) {
      const copy = files.clone(seededRandom(1));
      copy.replace(
        file,
        intact.map((byte, index) => (index === at ? byte ^ 4 : byte)),
      );
      try {
        const journal = await open(copy);
        for (const id of ['saga-00', 'saga-01', 'alive']) expect((await journal.read(id)).length).toBeGreaterThan(1);
        await journal.close();
      } catch (error) {
        expect(error).toBeInstanceOf(WalCorruptError);
        noticed++;
      }
    }
    expect(noticed).toBeGreaterThan(intact.length / 17 / 2);
  });

  test('one that is missing in the row, and all that are missing before the log, are refused', async () => {
    const files = memoryFiles();
    await (await used(files)).close();
    const archives = await names(files, '.arc', `${path}/archive`);
    const gap = files.clone(seededRandom(1));
    await gap.remove(`${path}/archive/${archives[1]}`);
    await expect(open(gap)).rejects.toThrow('and the archive before it ends at');
    const beginning = files.clone(seededRandom(1));
    await beginning.remove(`${path}/archive/${archives[0]}`);
    await expect(open(beginning)).rejects.toThrow('when the checkpoint was made: a file is missing');
    for (const name of archives) await files.remove(`${path}/archive/${name}`);
    await expect(open(files)).rejects.toThrow('and the log begins behind it');
  });
});
