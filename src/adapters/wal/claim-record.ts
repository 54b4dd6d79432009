/**
 * What the store writes into its log. The log's own fields carry the key (`txId`) and the store's time (`timestamp`); the
 * payload is text, `codec …`:
 *
 * - kind 200, head, only in a checkpoint: `codec lastToken`
 * - kind 201, claimed: `codec token leaseEnds expires fingerprint`
 * - kind 202, renewed: `codec token leaseEnds expires`
 * - kind 203, completed: `codec token expires result`
 * - kind 204, released: `codec token`
 *
 * A checkpoint holds the head and, for each key, the records that would make it. No kind is one of the saga journal's, so
 * that a folder of the one is refused by the other.
 */
import { HeadReader, RecordUnreadableError } from '../../journal/record-codec.ts';
import type { WalEntry, WalRecord } from '../../wal/wal-record.ts';

const codecVersion = '1';
const kinds = { head: 200, claimed: 201, renewed: 202, completed: 203, released: 204 } as const;

/** A change of one key, or what a checkpoint says of the whole store. */
export type ClaimRecord =
  | { readonly type: 'head'; readonly token: number }
  | {
      readonly type: 'claimed';
      readonly token: number;
      readonly leaseEndsMs: number;
      readonly expiresMs: number;
      readonly fingerprint: string;
    }
  | { readonly type: 'renewed'; readonly token: number; readonly leaseEndsMs: number; readonly expiresMs: number }
  | { readonly type: 'completed'; readonly token: number; readonly expiresMs: number; readonly result: string }
  | { readonly type: 'released'; readonly token: number };

function wordsOf(record: ClaimRecord): readonly (string | number)[] {
  switch (record.type) {
    case 'claimed':
      return [record.leaseEndsMs, record.expiresMs, record.fingerprint];
    case 'renewed':
      return [record.leaseEndsMs, record.expiresMs, ''];
    case 'completed':
      return [record.expiresMs, record.result];
    case 'head':
    case 'released':
      return [''];
  }
}

/** The record as an entry of the log; the head has no key. */
export function encodeClaimRecord(key: string, nowMs: number, record: ClaimRecord): WalEntry {
  const payload = [codecVersion, record.token, ...wordsOf(record)].join(' ');
  return { kind: kinds[record.type], state: 0, timestamp: nowMs, txId: key, stepId: '', payload };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws {RecordUnreadableError} when it is none of this store's, or of a newer one. */
export function decodeClaimRecord(entry: WalRecord): ClaimRecord {
  try {
    return decode(entry);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RecordUnreadableError(entry.lsn, `it is no record of keys, ${why}`, { cause: error });
  }
}

function decode({ kind, payload }: WalRecord): ClaimRecord {
  const head = new HeadReader(decoder.decode(payload));
  const codec = head.word();
  if (codec !== codecVersion) throw new SyntaxError(`codec "${codec}" is not known`);
  const token = head.integer();
  switch (kind) {
    case kinds.head:
      return { type: 'head', token };
    case kinds.claimed:
      return {
        type: 'claimed',
        token,
        leaseEndsMs: readTime(head),
        expiresMs: readTime(head),
        fingerprint: head.rest(),
      };
    case kinds.renewed:
      return { type: 'renewed', token, leaseEndsMs: readTime(head), expiresMs: readTime(head) };
    case kinds.completed:
      return { type: 'completed', token, expiresMs: readTime(head), result: head.rest() };
    case kinds.released:
      return { type: 'released', token };
    default:
      throw new SyntaxError(`unknown kind ${kind}`);
  }
}

/** A time need not be whole, and may be `Infinity`: never. */
function readTime(head: HeadReader): number {
  const word = head.word();
  const value = Number(word);
  if (word === '' || Number.isNaN(value)) throw new SyntaxError(`"${word}" is no time`);
  return value;
}
