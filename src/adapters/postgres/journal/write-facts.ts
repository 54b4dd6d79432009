import { AppendConflictError } from '../../../journal/journal.ts';
import { encodeRecord } from '../../../journal/record-codec.ts';
import type { SagaRecord } from '../../../saga/record.ts';
import type { SagaState } from '../../../saga/state.ts';
import { finishes, type SagaStatus, statusAfter } from '../../../saga/status.ts';
import type { WriteFacts } from './pending-write.ts';

/** What an append says: to which saga of which shard, behind which record. */
export interface Append {
  readonly shard: number;
  readonly sagaId: string;
  readonly records: readonly SagaRecord[];
  readonly expectedSeq: number;
  readonly allowReuse?: boolean | undefined;
  readonly asked?: readonly string[] | undefined;
}

const nothing: readonly string[] = Object.freeze([]);

/**
 * What an append makes of its saga.
 *
 * @param before the saga's status so far; `'running'` for a new one.
 * @param state the saga's state afterwards, where it is known.
 * @throws {AppendConflictError} when the records do not follow each other.
 * @throws {TypeError} when a new saga does not begin with its start.
 */
export function factsOf(append: Append, before: SagaStatus, state: SagaState | undefined): WriteFacts {
  const { shard, sagaId, records, expectedSeq } = append;
  const last = records.at(-1);
  for (const [index, { seq }] of records.entries())
    if (seq !== expectedSeq + index + 1) throw new AppendConflictError(sagaId, expectedSeq, expectedSeq);
  const first = records[0];
  if (expectedSeq === 0 && first?.type !== 'saga-started')
    throw new TypeError(`Expected the first record of saga "${sagaId}" to be saga-started, got ${first?.type}`);
  const { name, version } = first?.type === 'saga-started' ? first : { name: '', version: '' };
  const told = state?.seq === last?.seq ? state : undefined;
  return {
    shard,
    sagaId,
    expectedSeq,
    seq: last?.seq ?? expectedSeq,
    status: told?.status ?? records.reduce(statusAfter, before),
    finished: told?.finished ?? (last !== undefined && finishes(last)),
    name,
    version,
    bornAt: first?.timestamp ?? 0,
    updatedAt: last?.timestamp ?? 0,
    allowReuse: append.allowReuse === true,
    asked: append.asked ?? nothing,
    entries: records.map((record) => encodeRecord(sagaId, record, undefined)),
  };
}
