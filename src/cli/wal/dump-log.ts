import { decodeRecord, RecordUnreadableError } from '../../journal/record-codec.ts';
import type { Files } from '../../ports/files.ts';
import type { WalRecord } from '../../wal/wal-record.ts';
import type { LogAudit } from './audit-facts.ts';
import { auditOrRefuse } from './survey-log.ts';

/** Which records `dump` prints. */
export interface DumpFilter {
  /** Position of the first. Default the beginning. */
  readonly from?: number;
  /** Position behind the last. Default the end. */
  readonly to?: number;
  /** Only of this saga. */
  readonly saga?: string;
}

const strictText = new TextDecoder('utf-8', { fatal: true });

function textOf(payload: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: strictText.decode(payload) };
  } catch {
    // Bytes that are no text: the one encoding that JSON and every shell can carry.
    return { base64: Buffer.from(payload).toString('base64') };
  }
}

function sagaRecordOf(record: WalRecord): object | undefined {
  try {
    return decodeRecord(record).record;
  } catch (error) {
    if (error instanceof RecordUnreadableError) return undefined;
    throw error;
  }
}

/** A record as one line of JSON: that of a saga in its own words, any other as the log keeps it. */
function dumpLine(record: WalRecord): string {
  const { lsn, kind, state, timestamp, txId, stepId } = record;
  const ofSaga = sagaRecordOf(record);
  const line =
    ofSaga === undefined
      ? { lsn, txId, stepId, kind, state, timestamp, payload: textOf(record.payload) }
      : { lsn, saga: txId, ...ofSaga };
  return `${JSON.stringify(line)}\n`;
}

/**
 * Hands over the records of a log as lines of JSON, in order. Damage does not stop it: what is whole behind it follows.
 *
 * @param write takes a text; what it returns is waited for between batches, so that a slow reader bounds the memory.
 */
export async function dumpLog(
  path: string,
  options: {
    readonly files: Files;
    readonly filter: DumpFilter;
    readonly write: (text: string) => Promise<void>;
    readonly signal?: AbortSignal;
  },
): Promise<LogAudit> {
  const { from = 0, to = Infinity, saga } = options.filter;
  let lines = '';
  const audit = await auditOrRefuse(path, {
    ...options,
    onRecord: (record) => {
      if (record.lsn >= from && record.lsn < to && (saga === undefined || saga === record.txId))
        lines += dumpLine(record);
    },
    onBatch: async () => {
      if (lines.length < 65_536) return;
      const text = lines;
      lines = '';
      await options.write(text);
    },
  });
  if (lines !== '') await options.write(lines);
  return audit;
}
