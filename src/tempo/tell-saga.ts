import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import type { SagaEvent } from './events.ts';

/** Tells of records that are durable, the first of them at a position of the journal. */
export function tellRecords(
  observer: Observer<SagaEvent>,
  { id: sagaId, name: sagaName, createdAt: startedAt, headers }: SagaState,
  records: readonly SagaRecord[],
  position: number,
): void {
  const facts = { type: 'saga.record', sagaId, sagaName, startedAt, headers } as const;
  for (let place = 0; place < records.length; place++)
    notify(observer, { ...facts, record: records[place] as SagaRecord, position: position + place });
}

/** Tells of an outcome that came too late to say anything. */
export function tellStale(observer: Observer<SagaEvent> | undefined, id: string, name: string, outcome: string): void {
  notify(observer, { type: 'saga.stale-outcome', sagaId: id, sagaName: name, outcome });
}
