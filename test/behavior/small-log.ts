/** What the tests of the write-ahead log share: a log of small segments on files in memory. */
import { seededRandom } from '../../src/ports/index.ts';
import { type MemoryFiles, testClock } from '../../src/testing/index.ts';
import { openWal, type Wal, type WalEntry, type WalOptions, type WalRecord } from '../../src/wal/index.ts';

export const path = '/log';

export function entry(number: number, payload: string | Uint8Array = `payload ${number}`): WalEntry {
  return { kind: 1, state: 2, timestamp: number, txId: `tx-${number}`, stepId: 'step', payload };
}

export function open(files: MemoryFiles, options: WalOptions = {}): Promise<Wal> {
  return openWal(path, { files, clock: testClock(), random: seededRandom(1), segmentBytes: 16_384, ...options });
}

export async function all(records: AsyncIterable<WalRecord>): Promise<WalRecord[]> {
  const found: WalRecord[] = [];
  for await (const record of records) found.push(record);
  return found;
}

export function numbers(records: readonly WalRecord[]): number[] {
  return records.map(({ timestamp }) => timestamp);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
