import { AppendConflictError } from '../journal/journal.ts';
import { notify } from '../ports/notify.ts';
import { DeletionRefusedError } from '../saga/control-errors.ts';
import type { SagaRecord } from '../saga/record.ts';
import { applyRecord, type SagaState } from '../saga/state.ts';
import type { FleetParts } from './fleet.ts';

/**
 * Writes down that a saga which has ended is not to be seen any more. Nobody drives it, so nothing follows from that.
 *
 * @throws {DeletionRefusedError} when it has not ended, is a step of another, or has left for the archive.
 */
export async function deleteEnded(
  { journal, clock, observer }: Pick<FleetParts, 'journal' | 'clock' | 'observer'>,
  state: SagaState,
  by: string | undefined,
  asked: string | undefined,
): Promise<void> {
  const { id, name, seq, createdAt, headers, parent } = state;
  if (!state.finished) throw new DeletionRefusedError(id, `it is ${state.status}; cancel or terminate it first`);
  if (parent !== undefined) throw new DeletionRefusedError(id, `it is a step of saga "${parent.id}"; delete that`);
  const { epoch } = journal;
  const record: SagaRecord = {
    seq: seq + 1,
    epoch,
    timestamp: clock.now(),
    type: 'saga-deleted',
    ...(by === undefined ? {} : { by }),
  };
  try {
    const condition = {
      epoch,
      expectedSeq: seq,
      state: applyRecord(id, state, record),
      asked: asked === undefined ? [] : [asked],
    };
    const position = await journal.append(id, [record], condition);
    notify(observer, {
      type: 'saga.record',
      sagaId: id,
      sagaName: name,
      startedAt: createdAt,
      headers,
      record,
      position,
    });
  } catch (error) {
    if (!(error instanceof AppendConflictError)) throw error;
    throw new DeletionRefusedError(id, 'it is in the archive, where the end of its retention deletes it');
  }
}
