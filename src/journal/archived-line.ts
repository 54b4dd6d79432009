import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import type { Position } from './journal.ts';
import { HeadReader, RecordUnreadableError } from './record-codec.ts';
import type { SagaFacts } from './saga-node.ts';

const codecVersion = '1';
/** Kinds of what an archive has beside the records of sagas, all above theirs. */
export const archiveLineKinds = { finished: 253, tombstone: 254, directory: 255 } as const;

/** What the archive knows of a finished saga: enough to list it and to find its records. */
export interface ArchivedLine {
  readonly id: string;
  readonly birth: Position;
  /** Where its last append stands; 0 of a saga that was purged. */
  readonly position: Position;
  /** `undefined`: it was purged, and this is its tombstone. */
  readonly facts: SagaFacts | undefined;
  /** When it finished, ms since 1970. */
  readonly finishedAt: number;
}

export function encodeArchivedLine({ id, birth, position, facts, finishedAt }: ArchivedLine): WalEntry {
  const kind = facts === undefined ? archiveLineKinds.tombstone : archiveLineKinds.finished;
  const json = facts === undefined ? '' : JSON.stringify({ ...facts, id: undefined });
  const payload = `${codecVersion} ${birth} ${position} ${json}`;
  return { kind, state: 0, timestamp: finishedAt, txId: id, stepId: '', payload };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @throws {RecordUnreadableError} when it is not of this version. */
export function decodeArchivedLine({ lsn, kind, txId: id, timestamp: finishedAt, payload }: WalRecord): ArchivedLine {
  try {
    const head = new HeadReader(decoder.decode(payload));
    const codec = head.word();
    if (codec !== codecVersion) throw new SyntaxError(`codec "${codec}" is not known`);
    const [birth, position] = [head.integer(), head.integer()];
    if (kind === archiveLineKinds.tombstone) return { id, birth, position, facts: undefined, finishedAt };
    if (kind !== archiveLineKinds.finished) throw new SyntaxError(`unknown kind ${kind}`);
    const facts = { id, ...(JSON.parse(head.rest()) as Omit<SagaFacts, 'id'>) };
    return { id, birth, position, facts, finishedAt };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RecordUnreadableError(lsn, `in an archive, ${why}`, { cause: error });
  }
}
