import type { Wal } from '../wal/segmented-wal.ts';
import { WalCorruptError } from '../wal/wal-errors.ts';
import type { Lsn, WalRecord } from '../wal/wal-record.ts';
import type { PlacedRecord, Position } from './journal.ts';
import { decodeRecord, isForeign, type LinkedRecord, RecordUnreadableError } from './record-codec.ts';
import { isSnapshot } from './snapshot-record.ts';

// A record's position lies as far behind its append's as there are records between; more than these no append has.
const mostRecordsAnAppend = 16_384;
// Records begin at multiples of this in the log.
const alignment = 8;

/** Whether an append begins there. What is no record, or another's inside, says so by its checksum. */
async function beginsAppend(wal: Wal, lsn: Lsn): Promise<boolean> {
  try {
    const entry = await wal.readAt(lsn);
    return !isSnapshot(entry) && decodeRecord(entry).link !== undefined;
  } catch (error) {
    const isNone =
      error instanceof WalCorruptError || error instanceof RecordUnreadableError || error instanceof RangeError;
    if (isNone) return false;
    throw error;
  }
}

/** Where the append begins whose record stands at a position. */
async function appendOf(wal: Wal, position: Position): Promise<Lsn> {
  for (let lsn = position - (position % alignment); lsn > position - mostRecordsAnAppend; lsn -= alignment) {
    if (lsn < wal.firstLsn) break;
    if (await beginsAppend(wal, lsn)) return lsn;
  }
  throw new RangeError(`Expected position to be one that was read before, got ${position}`);
}

/** A record as far as it can be read: what stops one saga must not stop whoever reads of all. */
function readable(entry: WalRecord): LinkedRecord | undefined {
  try {
    return decodeRecord(entry);
  } catch (error) {
    if (error instanceof RecordUnreadableError && !isForeign(entry)) return undefined;
    throw error;
  }
}

/**
 * The records of a log behind a position, in the order they were written; what cannot be read is left out.
 *
 * @throws {RangeError} when no record stands at the position.
 */
export async function* recordsAfter(wal: Wal, position: Position): AsyncGenerator<PlacedRecord> {
  if (position >= wal.durableLsn) return;
  const from = position < wal.firstLsn ? undefined : await appendOf(wal, position);
  let at = 0;
  for await (const entry of wal.read(from)) {
    if (isSnapshot(entry)) continue;
    const linked = readable(entry);
    if (linked === undefined) {
      at = entry.lsn;
      continue;
    }
    const { record, link } = linked;
    at = link === undefined ? at + 1 : entry.lsn;
    if (at > position) yield { position: at, sagaId: entry.txId, record };
  }
}
