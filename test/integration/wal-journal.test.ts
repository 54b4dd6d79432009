import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { type Journal, openWalJournal } from '../../src/journal/index.ts';
import { journalContract } from '../../src/testing/journal-suite.ts';

const folders: string[] = [];
const paths = new WeakMap<object, string>();

async function openIn(path: string): Promise<Journal> {
  const journal = await openWalJournal(path, { segmentBytes: 64 * 1024 });
  paths.set(journal, path);
  return journal;
}

async function open(): Promise<Journal> {
  const path = await mkdtemp(join(tmpdir(), 'makegood-journal-'));
  folders.push(path);
  return openIn(path);
}

async function reopen(journal: Journal): Promise<Journal> {
  await journal.close();
  return openIn(paths.get(journal) ?? '');
}

afterAll(async () => {
  await Promise.all(folders.map((path) => rm(path, { recursive: true })));
});

for (const { name, run } of journalContract) {
  test(`journal on the write-ahead log, on the real disk: ${name}`, () => run({ open, reopen }));
}
