/** The log's second reader, held against the one that opens it: where one refuses, so does the other. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditLog } from '../../src/cli/wal/log-audit.ts';
import { repairLog } from '../../src/cli/wal/repair-log.ts';
import { surveyLog } from '../../src/cli/wal/survey-log.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import { diskWith, endings, flipBit, segmentPath, smallSegmentBytes, withChange } from '../property/wal-disk.ts';
import { checkRecovered, entryOf, logPath, recover } from '../property/wal-world.ts';

/** Four segments, the last of them in use. */
const sizes = Array.from({ length: 12 }, (_, index) => [900 + index, 30]);
const consent = { yes: true, acceptLoss: false };

function everything(files: MemoryFiles, names: readonly string[]): readonly string[] {
  return names.map((name) => `${name} ${Buffer.from(files.contents(`${logPath}/${name}`)).toString('base64')}`);
}

async function opens(files: MemoryFiles): Promise<{ readonly records: number } | 'damaged'> {
  try {
    const { wal, records } = await recover(files, smallSegmentBytes);
    await wal.close();
    return { records: records.length };
  } catch (error) {
    if (error instanceof WalCorruptError) return 'damaged';
    throw error;
  }
}

async function audited(files: MemoryFiles): Promise<{ readonly records: number } | 'damaged'> {
  const { damages, records } = await auditLog(logPath, { files });
  return damages.length > 0 ? 'damaged' : { records };
}

describe.each(endings)('a log that ended %s', (ending) => {
  test('the audit finds what opening finds, wherever a bit is flipped or the log is cut, and changes nothing', async () => {
    const disk = await diskWith(sizes, ending);
    const names = (await disk.files.list(logPath)).filter((name) => name !== 'LOCK');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.boolean(), async (name, where, cut) => {
        const files = withChange(disk, `${logPath}/${name}`, (bytes) => {
          if (cut) return bytes.fill(0, where % bytes.length);
          return flipBit(bytes, where % (bytes.length * 8));
        });
        const before = everything(files, names);
        const seen = await audited(files);
        expect(everything(files, names)).toEqual(before);
        expect(await opens(files)).toEqual(seen);
      }),
      { numRuns: 300 },
    );
  });
});

test('damage does not end the reading: all whole records before and behind it are given, and the place is named', async () => {
  const disk = await diskWith(sizes, 'sealed');
  const [firstEnd = 0, secondEnd = 0] = disk.batchEnds;
  const files = withChange(disk, segmentPath(0), (bytes) => flipBit(bytes, (firstEnd + 200) * 8));
  const seen: number[] = [];
  const { damages } = await auditLog(logPath, { files, onRecord: ({ timestamp }) => void seen.push(timestamp) });
  expect(damages).toMatchObject([{ kind: 'batch', offset: firstEnd, readableAfter: secondEnd }]);
  expect(seen).toEqual([0, 1, ...Array.from({ length: 20 }, (_, index) => index + 4)]);
});

describe('repair', () => {
  test('one flipped bit anywhere in a batch that is proven durable is flipped back, and the original is kept', async () => {
    const disk = await diskWith(sizes, 'sealed');
    const intact = disk.files.contents(segmentPath(1));
    const { usedBytes = 0 } = (await auditLog(logPath, { files: disk.files })).segments[1] ?? {};
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4096 * 8, max: usedBytes * 8 - 1 }), async (bit) => {
        const files = withChange(disk, segmentPath(1), (bytes) => flipBit(bytes, bit));
        const broken = files.contents(segmentPath(1));
        const report = await repairLog(logPath, { files, consent });
        expect(report).toMatchObject({ before: 'damaged', after: 'good', loses: undefined, done: true });
        expect(files.contents(segmentPath(1))).toEqual(intact);
        expect(files.contents(`${logPath}/${report.aside[0]}`)).toEqual(broken.slice(bit >>> 3, (bit >>> 3) + 1));
        const { wal, records } = await recover(files, smallSegmentBytes);
        checkRecovered(disk.history, records);
        await wal.close();
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['JOURNAL is gone', 'JOURNAL'],
    ['JOURNAL is damaged', 'JOURNAL'],
    ['the head of a segment in use is damaged', '0000000000000001.seg'],
  ])('%s: written again from what says the same elsewhere, and nothing is lost', async (what, name) => {
    const disk = await diskWith(sizes, 'sealed');
    const files = withChange(disk, `${logPath}/${name}`, (bytes) => void bytes.fill(255, 8, 60));
    if (what.endsWith('gone')) await files.remove(`${logPath}/${name}`);
    expect(await repairLog(logPath, { files, consent })).toMatchObject({ after: 'good', loses: undefined });
    const { wal, records } = await recover(files, smallSegmentBytes);
    checkRecovered(disk.history, records);
    await wal.close();
  });

  test('without consent nothing is changed, and the report says what would be', async () => {
    const disk = await diskWith(sizes, 'sealed');
    const files = withChange(disk, segmentPath(0), (bytes) => flipBit(bytes, 4200 * 8));
    const names = await files.list(logPath);
    const before = everything(files, names);
    const report = await repairLog(logPath, { files, consent: { yes: false, acceptLoss: false } });
    expect(report).toMatchObject({ done: false, after: 'damaged', steps: [{ action: 'patch' }] });
    expect(await files.list(logPath)).toEqual(names);
    expect(everything(files, names)).toEqual(before);
  });

  test('what cannot be mended is cut away only with the loss accepted, and then every byte of it is kept', async () => {
    const disk = await diskWith(sizes, 'sealed');
    const files = withChange(disk, segmentPath(1), (bytes) => void bytes.fill(0xa5, 4200, 4300));
    const names = await files.list(logPath);
    const before = everything(files, names);
    const refused = await repairLog(logPath, { files, consent });
    expect(refused).toMatchObject({ done: false, after: 'damaged', steps: [{ action: 'cut' }] });
    expect(refused.loses?.wholeRecords).toBeGreaterThan(5);
    expect(everything(files, names)).toEqual(before);
    const broken = files.contents(segmentPath(1));
    const last = files.contents(segmentPath(2));
    const report = await repairLog(logPath, { files, consent: { yes: true, acceptLoss: true } });
    expect(report).toMatchObject({ done: true, after: 'good' });
    const kept = report.aside.map((name) => files.contents(`${logPath}/${name}`));
    expect(kept).toContainEqual(last);
    expect(kept).toContainEqual(broken.slice(4096));
    const { wal, records } = await recover(files, smallSegmentBytes);
    expect(records.length).toBe(6);
    await wal.close();
  });

  test.each([
    ['a segment in the middle is missing', (files: MemoryFiles) => files.remove(segmentPath(1))],
    [
      'a segment stands where another should',
      (files: MemoryFiles) => Promise.resolve(files.replace(segmentPath(1), files.contents(segmentPath(2)))),
    ],
  ])('%s: with the loss accepted, what stands before it is a whole log again', async (_what, damage) => {
    const { files: whole } = await diskWith(sizes, 'sealed');
    const files = whole.clone(seededRandom(1));
    await damage(files);
    expect(await repairLog(logPath, { files, consent })).toMatchObject({ done: false, after: 'damaged' });
    expect(await repairLog(logPath, { files, consent: { yes: true, acceptLoss: true } })).toMatchObject({
      after: 'good',
    });
    expect(await opens(files)).toEqual({ records: 6 });
  });

  test('a torn end is cleared by an opening, its bytes put aside', async () => {
    const disk = await diskWith(sizes, 'crash');
    const end = (disk.batchEnds.at(-1) ?? 0) % smallSegmentBytes;
    const last = segmentPath(Math.floor((disk.batchEnds.at(-1) ?? 0) / smallSegmentBytes));
    const files = withChange(disk, last, (bytes) => bytes.fill(0, end - 20));
    expect((await surveyLog(logPath, { files })).torn).toBeDefined();
    const report = await repairLog(logPath, { files, consent });
    expect(report).toMatchObject({ before: 'good', steps: [{ action: 'open' }], done: true, after: 'good' });
    expect(report.aside[0]).toMatch(/^torn-/);
    expect((await surveyLog(logPath, { files })).torn).toBeUndefined();
  });
});

test('a whole log has nothing to repair, and repairing it changes nothing', async () => {
  const { files } = await diskWith(sizes, 'sealed');
  const names = await files.list(logPath);
  const before = everything(files, names);
  expect(await repairLog(logPath, { files, consent })).toMatchObject({ steps: [], done: false, after: 'good' });
  expect(everything(files, names)).toEqual(before);
});

/** Two checkpoints over four segments; the log trimmed before the older one when asked. */
async function checkpointed(
  trimmed: boolean,
): Promise<{ readonly files: MemoryFiles; readonly names: readonly string[] }> {
  const { files } = await diskWith(sizes.slice(0, 6), 'sealed');
  const { wal } = await recover(files, smallSegmentBytes);
  await wal.checkpoint(wal.point, [entryOf(0, 10), entryOf(1, 500)]);
  for (let number = 12; number < 18; number++) await wal.append([entryOf(number, 900)]);
  await wal.checkpoint(wal.point, [entryOf(0, 10)]);
  if (trimmed) await wal.trimBefore(wal.durableLsn);
  await wal.close();
  const names = (await files.list(logPath)).filter((name) => name.endsWith('.ckpt')).toSorted();
  return { files, names };
}

describe('checkpoints', () => {
  test.each([false, true])(
    'are read with every checksum and shown; a log trimmed before one (%s) is good',
    async (trimmed) => {
      const { files } = await checkpointed(trimmed);
      const report = await surveyLog(logPath, { files });
      expect(report).toMatchObject({ verdict: 'good', damages: [] });
      expect(report.checkpoints).toMatchObject([{ records: 2 }, { records: 1 }]);
      expect(report.segments[0]?.seq).toBe(trimmed ? 1 : 0);
    },
  );

  test('a bit flipped anywhere in one: found, and it is put aside where opening can do without', async () => {
    const { files: whole, names } = await checkpointed(true);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(), async (name, where) => {
        const files = whole.clone(seededRandom(1));
        const bytes = files.contents(`${logPath}/${name}`);
        files.replace(`${logPath}/${name}`, flipBit(bytes, where % (bytes.length * 8)));
        expect((await auditLog(logPath, { files })).damages).toMatchObject([
          { kind: 'checkpoint', file: `${logPath}/${name}` },
        ]);
        const report = await repairLog(logPath, { files, consent });
        expect(report).toMatchObject({ after: 'good', loses: undefined, steps: [{ action: 'drop-checkpoint' }] });
        expect(await opens(files)).not.toBe('damaged');
      }),
      { numRuns: 150 },
    );
  });

  test('both damaged in a trimmed log: nothing is left to begin at, and that is said', async () => {
    const { files, names } = await checkpointed(true);
    for (const name of names)
      files.replace(`${logPath}/${name}`, files.contents(`${logPath}/${name}`).fill(1, 200, 220));
    expect((await auditLog(logPath, { files })).damages.length).toBeGreaterThanOrEqual(2);
    await expect(repairLog(logPath, { files, consent })).rejects.toThrow('restore a backup');
  });

  test('of a log that was longer once: found, as opening finds it', async () => {
    const { files } = await checkpointed(false);
    const older = (await diskWith(sizes.slice(0, 6), 'sealed')).files;
    for (const name of await older.list(logPath))
      if (name.endsWith('.seg')) files.replace(`${logPath}/${name}`, older.contents(`${logPath}/${name}`));
    for (const seq of [2, 3, 4])
      if ((await files.exists(segmentPath(seq))) && !(await older.exists(segmentPath(seq))))
        await files.remove(segmentPath(seq));
    expect(await audited(files)).toBe('damaged');
    expect(await opens(files)).toBe('damaged');
  });

  test('damage before the newest that cannot be mended is left: opening begins behind it', async () => {
    const { files } = await checkpointed(false);
    files.replace(segmentPath(0), files.contents(segmentPath(0)).fill(0xa5, 4200, 4300));
    const report = await repairLog(logPath, { files, consent });
    expect(report).toMatchObject({ loses: undefined, steps: [{ action: 'leave' }], after: 'damaged' });
    expect(await opens(files)).not.toBe('damaged');
  });
});

test('the sagas of a trimmed log are told from its newest checkpoint on, as opening tells them', async () => {
  const files = memoryFiles();
  const options = { files, clock: testClock(), segmentBytes: 16_384 };
  for (let session = 0; session < 4; session++) {
    await using journal = await openWalJournal(logPath, options);
    const { epoch } = journal;
    for (let number = 0; number < 4; number++) {
      const start = { name: 'order', version: '1', definition: 'd', steps: ['ship'], input: 'x'.repeat(3000) } as const;
      const records = [{ seq: 1, epoch, timestamp: 1, type: 'saga-started', ...start }] as const;
      await journal.append(`saga-${session}-${number}`, records, { epoch, expectedSeq: 0 });
    }
  }
  const wal = await openWal(logPath, options);
  await wal.trimBefore(wal.durableLsn);
  await wal.close();
  const { segments, sagas, verdict, archiveDamages } = await surveyLog(logPath, { files });
  expect(segments[0]?.seq).toBeGreaterThan(0);
  // What was cut off is in no archive, and the journal refuses such a log.
  expect(archiveDamages).toMatchObject([{ what: expect.stringContaining('it is missing') }]);
  await expect(openWalJournal(logPath, options)).rejects.toBeInstanceOf(WalCorruptError);
  expect({ verdict, live: sagas.live.length, unfit: sagas.unfit, partial: sagas.partial }).toEqual({
    verdict: 'damaged',
    live: 16,
    unfit: [],
    partial: false,
  });
});
