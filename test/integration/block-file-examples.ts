/** The files of blocks that docs/reference/wal-format.md prints, made by the program as it is. */
import { writeArchive } from '../../src/journal/archive-writer.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import { writeGoldenLog } from './wal-golden-log.ts';

/** A checkpoint of one short entry, made behind the whole golden log. */
export async function exampleCheckpoint(): Promise<Uint8Array> {
  const { files } = await writeGoldenLog();
  const wal = await openWal('/log', { files, clock: testClock(), random: seededRandom(2) });
  const { file } = await wal.checkpoint(wal.point, [
    { kind: 250, state: 0, timestamp: 1_700_000_000_000, txId: '', stepId: '', payload: '1 3 1700000000000 0' },
  ]);
  const bytes = files.contents(file);
  await wal.close();
  return bytes;
}

/** Where the example of a batch ends, and so the archive of it. */
export const exampleStretch = { from: 4096, to: 4216 } as const;

/** The archive of the golden log's first batch, as if its one record had been all of a saga. */
export async function exampleArchive(): Promise<Uint8Array> {
  const { files } = await writeGoldenLog();
  const segment = files.contents('/log/0000000000000000.seg');
  const records = [segment.slice(4160, 4216)];
  const [createdAt, updatedAt] = [1_700_000_000_000, 1_700_000_000_000];
  const facts = {
    id: 'order-1',
    name: 'o',
    version: '1',
    status: 'completed',
    createdAt,
    updatedAt,
    seq: 1,
    finished: true,
  } as const;
  const archives = memoryFiles();
  await archives.makeDirectory('/archive');
  await writeArchive(archives, testClock(), {
    folder: '/archive',
    name: 'example.arc',
    journalId: segment.slice(32, 48),
    ...exampleStretch,
    newest: updatedAt,
    purged: false,
    histories: [{ id: 'order-1', records }],
    lines: [{ id: 'order-1', birth: 4160, position: 4160, facts, finishedAt: updatedAt }],
  });
  return archives.contents('/archive/example.arc');
}
