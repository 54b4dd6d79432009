/**
 * What a journal writes into a checkpoint of its log, as entries of text, `codec …`:
 *
 * - kind 250, first: `codec epoch timestamp archived from`, the journal's epoch, the newest timestamp in the log, up to where
 *   the log was archived: the sagas that finished before it are in no checkpoint; and where the archive begins, or will
 *   once a purge has removed what it may. The last is left out where there is no archive, and by earlier versions
 * - kind 251, a saga that has not finished: `codec birth position steps records json`, its state
 * - kind 249, one with a record that cannot be read: `codec birth position damaged seq why\nstate`, the place of that record and
 *   its number, why as JSON, and the state before it
 * - kind 252, one that has, and is not in the archive: `codec birth position json`, its facts
 */
import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import type { Position } from './journal.ts';
import { HeadReader, RecordUnreadableError } from './record-codec.ts';
import { type SagaFacts, type SagaNode, stateOf } from './saga-node.ts';
import { decodeState, encodeState } from './state-codec.ts';

const codecVersion = '1';
const kinds = { damaged: 249, head: 250, live: 251, finished: 252 } as const;

/** What a checkpoint says of the journal as a whole. */
export interface CheckpointHead {
  readonly epoch: number;
  /** Of the newest record, ms since 1970. */
  readonly timestamp: number;
  /** Where the archive ends, which has what this checkpoint leaves out. */
  readonly archivedTo: Position;
  /** Where it begins at the latest; what is missing before was purged. */
  readonly archivedFrom?: Position | undefined;
}

function entryOf(kind: number, timestamp: number, txId: string, payload: string): WalEntry {
  return { kind, state: 0, timestamp, txId, stepId: '', payload: `${codecVersion} ${payload}` };
}

function entryOfNode(node: SagaNode): WalEntry {
  const { birth, position, steps, records, saga, damage } = node;
  const { id, updatedAt } = saga;
  const state = stateOf(node);
  if (state !== undefined && damage !== undefined) {
    const head = `${birth} ${position} ${damage.position} ${damage.seq}`;
    return entryOf(kinds.damaged, updatedAt, id, `${head} ${JSON.stringify(damage.why)}\n${encodeState(state)}`);
  }
  if (state !== undefined)
    return entryOf(kinds.live, updatedAt, id, `${birth} ${position} ${steps} ${records} ${encodeState(state)}`);
  // A journal that was given records which do not fold cannot say what the saga is, and must not guess.
  if (!saga.finished) throw new TypeError(`saga "${id}" has records that do not follow one another`);
  return entryOf(kinds.finished, updatedAt, id, `${birth} ${position} ${JSON.stringify({ ...saga, id: undefined })}`);
}

/** The entries of a checkpoint, made as they are asked for. */
export function* checkpointEntries(head: CheckpointHead, nodes: Iterable<SagaNode>): Generator<WalEntry> {
  const { epoch, timestamp, archivedTo, archivedFrom } = head;
  const from = archivedFrom === undefined ? '' : ` ${archivedFrom}`;
  yield entryOf(kinds.head, timestamp, '', `${epoch} ${timestamp} ${archivedTo}${from}`);
  for (const node of nodes) yield entryOfNode(node);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What the first entry of a checkpoint says of a journal; `undefined` when something else made the checkpoint. */
export function checkpointHeadOf(entry: WalRecord): CheckpointHead | undefined {
  if (entry.kind !== kinds.head) return undefined;
  const head = decodeCheckpointEntry(entry);
  return 'saga' in head ? undefined : head;
}

/** A saga as a checkpoint has it, or what it says of the whole. */
export function decodeCheckpointEntry(entry: WalRecord): SagaNode | CheckpointHead {
  try {
    return decode(entry);
  } catch (error) {
    throw new RecordUnreadableError(
      entry.lsn,
      `in a checkpoint, ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

function decode({ kind, txId: id, payload }: WalRecord): SagaNode | CheckpointHead {
  const head = new HeadReader(decoder.decode(payload));
  const codec = head.word();
  if (codec !== codecVersion) throw new SyntaxError(`codec "${codec}" is not known`);
  switch (kind) {
    case kinds.head: {
      const epoch = head.integer();
      const [timestamp = 0, archivedTo = 0, archivedFrom] = head.rest().split(' ').map(Number);
      return { epoch, timestamp, archivedTo, archivedFrom };
    }
    case kinds.live: {
      const [birth, position, steps, records] = [head.integer(), head.integer(), head.integer(), head.integer()];
      return { birth, position, steps, records, snapshot: undefined, saga: decodeState(id, head.rest()) };
    }
    case kinds.damaged: {
      const [birth, position] = [head.integer(), head.integer()];
      const [damaged, seq] = [head.integer(), head.integer()];
      const rest = head.rest();
      const end = rest.indexOf('\n');
      const damage = { position: damaged, seq, why: String(JSON.parse(rest.slice(0, end))) };
      const saga = decodeState(id, rest.slice(end + 1));
      return { birth, position, steps: 0, records: 0, snapshot: undefined, saga, damage };
    }
    case kinds.finished: {
      const [birth, position] = [head.integer(), head.integer()];
      const saga = { id, ...(JSON.parse(head.rest()) as Omit<SagaFacts, 'id'>) };
      return { birth, position, steps: 0, records: 0, snapshot: undefined, saga };
    }
    default:
      throw new SyntaxError(`unknown kind ${kind}`);
  }
}
