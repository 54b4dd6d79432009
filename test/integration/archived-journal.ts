/** A journal of sagas whose finished ones have left the log for the archive. */
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { WalJournalOptions } from '../../src/journal/wal-journal-options.ts';
import type { SagaRecord } from '../../src/saga/record.ts';

/** So small that a few dozen sagas fill several segments. */
export const smallJournal: WalJournalOptions = {
  segmentBytes: 8192,
  checkpointBytes: 4096,
  flush: { maxBatchBytes: 2048 },
};

/** Records of a saga that begins, with an input of so many characters. */
export function beginning(id: string, epoch: number, inputLength: number = 500): SagaRecord[] {
  const header = { epoch, timestamp: 1000 };
  const input = { id, note: 'x'.repeat(inputLength) };
  return [
    { ...header, seq: 1, type: 'saga-started', name: 'order', version: '1', definition: 'd', steps: ['a'], input },
    { ...header, seq: 2, type: 'step-started', step: 'a', attempt: 1 },
  ];
}

/** And those of one that ends. */
function ending(id: string, epoch: number): SagaRecord[] {
  const header = { epoch, timestamp: 2000 };
  return [
    { ...header, seq: 3, type: 'step-confirmed', step: 'a', attempt: 1, output: `${id} done` },
    { ...header, seq: 4, type: 'saga-completed', output: id },
  ];
}

/** Sagas that came and went, and one, `alive`, that lives; `settle` lets go on what is done beside appending. */
async function runSagas(
  journal: Journal,
  ids: readonly string[],
  settle: () => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const { epoch } = journal;
  await journal.append('alive', beginning('alive', epoch), { epoch, expectedSeq: 0 });
  for (const id of ids) {
    await journal.append(id, beginning(id, epoch), { epoch, expectedSeq: 0 });
    await settle();
    await journal.append(id, ending(id, epoch), { epoch, expectedSeq: 2 });
    await settle();
  }
}

/** Names of so many sagas, in the order of their birth. */
export function sagaIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `saga-${String(number).padStart(2, '0')}`);
}

/** Writes a journal with an archive and closes it. */
export async function writeArchivedJournal(
  path: string,
  ids: readonly string[],
  options: WalJournalOptions = {},
  settle?: () => Promise<unknown>,
): Promise<void> {
  await using journal = await openWalJournal(path, { ...smallJournal, ...options });
  await runSagas(journal, ids, settle);
}
