/** What the tools know of a log's archive, on a real folder that a journal of sagas has written. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dumpLog, type DumpFilter } from '../../src/cli/wal/dump-log.ts';
import { repairLog, repairText } from '../../src/cli/wal/repair-log.ts';
import { inspectText, verifyText } from '../../src/cli/wal/report-text.ts';
import { type LogReport, surveyLog } from '../../src/cli/wal/survey-log.ts';
import { systemFiles } from '../../src/ports/system-files.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { sagaIds, smallJournal, writeArchivedJournal } from './archived-journal.ts';

const ids = sagaIds(60);
const plain = (_style: string, text: string): string => text;

let whole: string;
beforeAll(async () => {
  whole = await mkdtemp(join(tmpdir(), 'makegood-archived-'));
  await writeArchivedJournal(whole, ids);
});
afterAll(() => rm(whole, { recursive: true, force: true }));

let log: string;
beforeEach(async () => {
  log = await mkdtemp(join(tmpdir(), 'makegood-archived-copy-'));
  await cp(whole, log, { recursive: true });
});
afterEach(() => rm(log, { recursive: true, force: true }));

const survey = (): Promise<LogReport> => surveyLog(log, { files: systemFiles });

async function archives(): Promise<string[]> {
  return (await readdir(join(log, 'archive'))).toSorted();
}

/** Flips a bit of the middle one of the archives, and says which. */
async function damageOne(): Promise<string> {
  const names = await archives();
  const file = join(log, 'archive', names[names.length >> 1] ?? '');
  const bytes = await readFile(file);
  bytes[300] = (bytes[300] ?? 0) ^ 1;
  await writeFile(file, bytes);
  return file;
}

interface DumpedLine {
  readonly lsn: number;
  readonly saga: string;
  readonly seq: number;
}

async function dump(filter: DumpFilter): Promise<{ readonly lines: readonly DumpedLine[]; readonly damages: number }> {
  let text = '';
  const write = async (more: string): Promise<void> => void (text += more);
  const { damages, archiveDamages } = await dumpLog(log, { files: systemFiles, filter, write });
  const lines = text === '' ? [] : text.trimEnd().split('\n');
  return {
    lines: lines.map((line) => JSON.parse(line) as DumpedLine),
    damages: damages.length + archiveDamages.length,
  };
}

test('a whole archive: every file read, shown with its sagas and when they ended, and the reserve beside it', async () => {
  const report = await survey();
  expect(report).toMatchObject({ verdict: 'good', reserve: true, foreign: [], archiveDamages: [] });
  expect(report.archives.map(({ name }) => name)).toEqual(await archives());
  expect(report.archives.length).toBeGreaterThan(2);
  const finished = report.archives.reduce((sum, archive) => sum + archive.finished, 0);
  expect(finished).toBeGreaterThan(20);
  const text = inspectText(report, plain);
  expect(text).toContain(`archive  ${report.archives.length} files, `);
  expect(text).toContain(`: ${finished} finished sagas, `);
  expect(text).toContain('ended 1970-01-01T00:00:02.000Z to 1970-01-01T00:00:02.000Z');
  expect(text).toContain('reserve  8.0 KiB, for a disk without room');
  expect(verifyText(report, plain)).toContain(` records in ${report.archives.length} archives\n`);
});

describe('damage in an archive', () => {
  test('is a verdict, with the file, the place, and what can be read before and behind it', async () => {
    const file = await damageOne();
    const report = await survey();
    expect(report).toMatchObject({ verdict: 'damaged', damages: [], archiveDamages: [{ file, offset: 128 }] });
    const [damage] = report.archiveDamages;
    expect(damage?.wholeFrom).toBeGreaterThan(128);
    expect(verifyText(report, plain)).toContain(
      `× damage ${file} at byte 128: the checksum of a block does not match; 0 records before it can be read, 0 behind it from byte ${damage?.wholeFrom} on`,
    );
  });

  test('is left by a repair, which says so and where another copy may be', async () => {
    const file = await damageOne();
    const before = await readFile(file);
    const report = await repairLog(log, { files: systemFiles, consent: { yes: true, acceptLoss: true } });
    expect(report).toMatchObject({ before: 'damaged', steps: [], done: false, after: 'damaged' });
    expect(repairText(report, plain)).toContain(`× left  ${file}: damaged or missing, and not mended.`);
    expect(await readFile(file)).toEqual(before);
  });

  test('does not end a dump of all: what is whole in the others is given, and the damage counted', async () => {
    const all = await dump({ archive: true });
    await damageOne();
    const rest = await dump({ archive: true });
    expect(all.damages).toBe(0);
    expect(rest.damages).toBe(1);
    expect(rest.lines.length).toBeGreaterThan(all.lines.length / 2);
    expect(rest.lines.length).toBeLessThan(all.lines.length);
  });
});

test.each(['in the middle', 'at the end', 'all of them'])(
  'archives that are missing, %s, are damage',
  async (where) => {
    const names = await archives();
    const gone = { 'in the middle': names.slice(1, 2), 'at the end': names.slice(-1) }[where] ?? names;
    for (const name of gone) await rm(join(log, 'archive', name));
    const report = await survey();
    const first = report.segments[0]?.seq ?? 0;
    expect(first).toBeGreaterThan(0);
    // The last may be of a stretch that the log still has; its sagas have left the checkpoint all the same.
    expect(report).toMatchObject({
      verdict: 'damaged',
      archiveDamages: [{ what: expect.stringContaining('is missing') }],
    });
    await expect(openWalJournal(log, smallJournal)).rejects.toMatchObject({ code: 'MAKEGOOD_WAL_CORRUPT' });
  },
);

test('an archive of another log, and one under another name, are damage', async () => {
  const [first = '', second = ''] = await archives();
  const bytes = await readFile(join(log, 'archive', first));
  await writeFile(join(log, 'archive', second), bytes);
  expect((await survey()).archiveDamages).toMatchObject([
    { offset: 0, what: expect.stringContaining('which is not what its name says') },
  ]);
});

describe('dump', () => {
  test('of a saga has its archived records too, in order, each once', async () => {
    for (const id of ['saga-00', 'saga-30', 'alive']) {
      const { lines } = await dump({ saga: id });
      const own = lines.filter(({ seq }) => seq !== undefined);
      expect(own.map(({ saga, seq }) => [saga, seq])).toEqual(
        (id === 'alive' ? [1, 2] : [1, 2, 3, 4]).map((seq) => [id, seq]),
      );
    }
    expect((await dump({ saga: 'nobody' })).lines).toEqual([]);
  });

  test('of all has the archive only when asked, and then every record there ever was, once', async () => {
    const { lines } = await dump({ archive: true });
    const positions = lines.map(({ lsn }) => lsn);
    expect(new Set(positions).size).toBe(positions.length);
    expect(lines.filter(({ seq }) => seq !== undefined).length).toBe(2 + 4 * ids.length);
    expect((await dump({})).lines.length).toBeLessThan(lines.length / 2);
  });
});
