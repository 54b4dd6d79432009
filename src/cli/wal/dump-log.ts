import { decodeRecord, RecordUnreadableError } from '../../journal/record-codec.ts';
import type { Files } from '../../ports/files.ts';
import type { WalRecord } from '../../wal/wal-record.ts';
import { visibleJson } from '../visible.ts';
import { readArchived } from './archived-records.ts';
import { auditOrRefuse, type LogReport } from './survey-log.ts';

/** Characters that are handed over at a time. */
const linesAtOnce = 65_536;

/** Which records `dump` prints. */
export interface DumpFilter {
  /** Position of the first. Default the beginning. */
  readonly from?: number;
  /** Position behind the last. Default the end. */
  readonly to?: number;
  /** Only of this saga; those in the archive too. */
  readonly saga?: string;
  /** All that is in the archive too, before the rest. */
  readonly archive?: boolean;
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
  return `${visibleJson(JSON.stringify(line))}\n`;
}

/**
 * Hands over the records of a log as lines of JSON, in order, behind those of the archive where these are wanted. Damage
 * does not stop it: what is whole behind it follows.
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
): Promise<Pick<LogReport, 'damages' | 'archiveDamages'>> {
  const { from = 0, to = Infinity, saga, archive = saga !== undefined } = options.filter;
  let lines = '';
  const onRecord = (record: WalRecord): void => {
    if (record.lsn >= from && record.lsn < to && (saga === undefined || saga === record.txId))
      lines += dumpLine(record);
  };
  const flush = async (atLeast: number): Promise<void> => {
    if (lines.length < atLeast) return;
    const text = lines;
    lines = '';
    await options.write(text);
  };
  const onBatch = (): Promise<void> => flush(linesAtOnce);
  const archived = archive ? await readArchived(path, { ...options, saga, onRecord, onBatch }) : [];
  const { damages } = await auditOrRefuse(path, { ...options, onRecord, onBatch });
  await flush(1);
  return { damages, archiveDamages: archived };
}
