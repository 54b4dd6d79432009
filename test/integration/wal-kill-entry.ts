import type { WalEntry } from '../../src/wal/wal-record.ts';

/** Small, so that kills also strike while a segment is prepared or changed. */
export const killSegmentBytes = 64 * 1024;

/** Entry `number` of the log that is killed; its payload is told by its number. */
export function killEntry(number: number): WalEntry {
  return {
    kind: 1,
    state: number & 255,
    timestamp: number,
    txId: `tx-${number}`,
    stepId: 'step',
    payload: `${number},`.repeat(1 + ((number * 7919) % 60)),
  };
}
