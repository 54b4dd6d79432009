import { test } from 'vitest';
import { journalContract } from '../testing/journal-suite.ts';
import { memoryJournal } from './memory-journal.ts';

for (const { name, run } of journalContract)
  test(`memory journal: ${name}`, () => run({ open: async () => memoryJournal() }));
