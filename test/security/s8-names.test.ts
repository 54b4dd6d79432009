/** S8: ids, and names of files. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWalJournal } from '../../src/journal/index.ts';
import { systemFiles } from '../../src/ports/system-files.ts';
import { saga } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';

const refused = [
  '',
  '.',
  '..',
  '../../x',
  '..%2f',
  'a/b',
  '/etc/passwd',
  'a\\b',
  'C:\\x',
  'a\0b',
  'a\nb',
  ' a',
  'a ',
  'x'.repeat(201),
  'x'.repeat(4096),
  '\u{1F600}',
  '\u202Eexe.txt',
  'é',
  'e\u0301',
  'a%00',
  'a?b',
  'a#b',
  'a*b',
  'a>b',
  'a"b',
  'a b',
  '＿',
  'ａ',
];
// Awkward, and names all the same: what they come to is decided by nobody's file system.
const taken = [
  'CON',
  'NUL',
  'aux',
  '-rf',
  '--help',
  '~',
  '~root',
  '...',
  'a..b',
  '.hidden',
  'a.',
  'LOCK',
  'lock',
  '__proto__',
  '@',
  ':',
  'a:b',
  '0',
  'x'.repeat(200),
];
const twins = ['Order', 'order', 'ORDER'];

const definition = saga('s')
  .input<string>()
  .step('a', { run: ({ input }) => input, readOnly: true })
  .output(({ results }) => results.a);

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'makegood-names-'));
  folder = join(parent, 'data');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

/** Everything below a folder, with its mode. */
async function listing(path: string): Promise<Record<string, string>> {
  const names = await readdir(path, { recursive: true });
  const rows = names.map(async (name) => [name, ((await stat(join(path, name))).mode & 0o777).toString(8)] as const);
  return Object.fromEntries(await Promise.all(rows));
}

test('S8.1 an id that is none is refused, and nothing of it is stored', async () => {
  await using tempo = await openTempo({ journal: await openWalJournal(folder), sagas: [definition] });
  for (const id of refused) {
    await expect(tempo.start(definition, { id, input: 'x' })).rejects.toThrow(TypeError);
    expect(() => saga(id)).toThrow(TypeError);
  }
  expect((await tempo.list()).items).toEqual([]);
});

test('S8.1 every other id comes back as it was, after a restart too, and is the name of no file', async () => {
  const ids = [...taken, ...twins];
  for (const life of [1, 2]) {
    await using tempo = await openTempo({ journal: await openWalJournal(folder), sagas: [definition] });
    for (const id of ids) {
      const run = await tempo.start(definition, { id, input: `of ${id}` });
      expect([life, await run.result()]).toEqual([life, `of ${id}`]);
      expect(await tempo.get(id)).toMatchObject({ id, input: `of ${id}` });
    }
    expect((await tempo.list({ limit: 100 })).items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  }
  expect(await readdir(parent)).toEqual(['data']);
  for (const name of Object.keys(await listing(folder))) {
    expect(name).toMatch(/^(?:LOCK|JOURNAL|[a-z]+-)?[\da-f]*(?:\.[a-z]+)?$/);
  }
});

test('S8 what is made is the owner’s alone: folders 700, files 600', async () => {
  const old = process.umask(0o000);
  try {
    await using tempo = await openTempo({ journal: await openWalJournal(folder), sagas: [definition] });
    await (await tempo.start(definition, { id: 'a', input: 'x' })).result();
  } finally {
    process.umask(old);
  }
  expect(await listing(parent)).toMatchObject({ data: '700' });
  for (const [name, mode] of Object.entries(await listing(folder))) {
    expect([name, mode]).toEqual([name, (await stat(join(folder, name))).isDirectory() ? '700' : '600']);
  }
});

test('S8 a link in the place of a file of the log is not followed', async () => {
  const secret = join(parent, 'secret');
  await writeFile(secret, 'mine');
  await mkdir(folder);
  await symlink(secret, join(folder, 'link'));
  for (const mode of ['read', 'write', 'create'] as const) {
    await expect(systemFiles.open(join(folder, 'link'), mode)).rejects.toMatchObject({
      code: expect.stringMatching(/ELOOP|EEXIST/) as string,
    });
  }
  expect(await readFile(secret, 'utf8')).toBe('mine');
});
