import { seededRandom } from '../../src/ports/random.ts';
import { memoryFiles, type MemoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { openWal } from '../../src/wal/wal.ts';
import type { WalEntry } from '../../src/wal/wal-record.ts';

export const goldenFiles = ['JOURNAL', '0000000000000000.seg', '0000000000000001.seg'] as const;

/** The entries of the golden log, a list for each append. */
export const goldenAppends: readonly (readonly WalEntry[])[] = [
  [{ kind: 1, state: 1, timestamp: 1_700_000_000_000, txId: 'order-1', stepId: '', payload: '{"sku":"A1"}' }],
  [
    { kind: 2, state: 2, timestamp: 1_700_000_000_001.5, txId: 'order-1', stepId: 'réserve', payload: '漢字 😀' },
    { kind: 255, state: 255, timestamp: -1, txId: '', stepId: 'charge', payload: new Uint8Array([0, 255, 128, 7]) },
  ],
  [{ kind: 3, state: 3, timestamp: 0, txId: 'order-2', stepId: 'ship', payload: new Uint8Array(3000).fill(170) }],
  [{ kind: 3, state: 3, timestamp: 0, txId: 'order-3', stepId: 'ship', payload: 'x'.repeat(2000) }],
  [{ kind: 4, state: 0, timestamp: 1, txId: 'order-3', stepId: '', payload: '' }],
];

/** Writes the golden log with the program as it is: same clock, same chance, one batch an append, closed in order. */
export async function writeGoldenLog(): Promise<{ readonly files: MemoryFiles; readonly lsns: readonly number[] }> {
  const files = memoryFiles();
  const wal = await openWal('/log', { files, clock: testClock(), random: seededRandom(1), segmentBytes: 8192 });
  const lsns: number[] = [];
  for (const entries of goldenAppends) lsns.push(await wal.append(entries));
  await wal.close();
  return { files, lsns };
}
