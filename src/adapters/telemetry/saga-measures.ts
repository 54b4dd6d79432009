import type { Failure } from '../../saga/failure.ts';
import type { SagaRecord } from '../../saga/record.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import { otherType } from './error-type.ts';
import type { InstrumentName, MeasureAttributes } from './instruments.ts';
import { type AttemptNote, attemptNoteOf, operationOf, sagaOutcomeOf } from './saga-attempt.ts';

type SagaRecorded = Extract<SagaEvent, { type: 'saga.record' }>;
type Record = (instrument: InstrumentName, value: number, attributes?: MeasureAttributes) => void;

// What alerts count is told as 0 first: a series that appears only with its first event hides that event from
// Prometheus' `increase()`.

/**
 * Measures sagas by their records. Durations are between the stamps of records, so that they are what the journal says,
 * also across a restart.
 */
export class SagaMeasures {
  private readonly record: Record;
  /** When each attempt in hand began, by saga and operation. */
  private readonly begun = new Map<string, Map<string, number>>();

  constructor(record: Record) {
    this.record = record;
  }

  observe(event: SagaEvent): void {
    switch (event.type) {
      case 'saga.record':
        this.observeRecord(event);
        return;
      case 'tempo.recovered':
        this.record('makegood.tempo.failures', 0);
        this.record('makegood.sagas.active', event.sagas);
        this.record('makegood.sagas.blocked', event.blocked);
        this.record('makegood.tempo.recovery.duration', event.elapsedMs / 1000);
        return;
      case 'tempo.shard-opened':
        this.record('makegood.sagas.active', event.sagas);
        this.record('makegood.sagas.blocked', event.blocked);
        this.record('makegood.tempo.recovery.duration', event.elapsedMs / 1000);
        return;
      case 'tempo.shard-handed-over':
      case 'tempo.shard-lost':
        this.record('makegood.sagas.active', -event.sagas);
        this.record('makegood.sagas.blocked', -event.blocked);
        return;
      case 'tempo.failed':
        this.record('makegood.tempo.failures', 1);
        return;
      case 'saga.stale-outcome':
        this.record('makegood.saga.outcomes.stale', 1);
        return;
      case 'tempo.blocked':
      case 'tempo.unreadable':
      case 'attention.raised':
      case 'saga.answer-unusable':
        // Counted by what they come from.
        return;
    }
  }

  private observeRecord(event: SagaRecorded): void {
    const { record, sagaName } = event;
    const saga = { 'makegood.saga.name': sagaName };
    if (record.type === 'saga-started') {
      this.record('makegood.sagas.started', 1, saga);
      this.record('makegood.sagas.active', 1);
      this.record('makegood.sagas.escalated', 0, saga);
    }
    if (record.type === 'escalated') this.record('makegood.sagas.escalated', 1, saga);
    const note = attemptNoteOf(record);
    if (note !== undefined) this.noteAttempt(event, note);
    const outcome = sagaOutcomeOf(record);
    if (outcome === undefined) return;
    this.record('makegood.sagas.active', -1);
    const elapsedMs = Math.max(0, record.timestamp - event.startedAt);
    this.record('makegood.saga.duration', elapsedMs / 1000, { ...saga, 'makegood.saga.outcome': outcome });
    this.begun.delete(event.sagaId);
  }

  private noteAttempt({ record, sagaId, sagaName }: SagaRecorded, note: AttemptNote): void {
    const name = operationOf(sagaName, note);
    if (note.says === 'begun') {
      const begun = this.begun.get(sagaId) ?? new Map<string, number>();
      this.begun.set(sagaId, begun.set(name, record.timestamp));
      return;
    }
    const operation = { 'makegood.operation.name': name };
    const begunAt = this.takeBegun(sagaId, name);
    // A timer or a signal confirms a step too, and giving up may follow an attempt that has already been told.
    if (begunAt === undefined && !isLostAttempt(record, note)) return;
    const attempt = { ...operation, 'makegood.attempt.outcome': note.outcome };
    const errorType = { 'error.type': note.failure?.code ?? otherType };
    this.record('makegood.attempts', 1, note.outcome === 'success' ? attempt : { ...attempt, ...errorType });
    if (begunAt !== undefined) {
      this.record('makegood.attempt.duration', Math.max(0, record.timestamp - begunAt) / 1000, attempt);
    }
    // A refused call was not made, so what follows it is no retry.
    if (note.delayMs === undefined || note.outcome !== 'failure') return;
    this.record('makegood.retries', 1, { ...operation, ...errorType });
    this.record('makegood.retry.delay', note.delayMs / 1000, operation);
  }

  private takeBegun(sagaId: string, name: string): number | undefined {
    const begun = this.begun.get(sagaId);
    const at = begun?.get(name);
    begun?.delete(name);
    if (begun?.size === 0) this.begun.delete(sagaId);
    return at;
  }
}

/** Whether an attempt of a process that has died, which this one has not seen begin, is told to have ended. */
function isLostAttempt(record: SagaRecord, { failure }: { readonly failure?: Failure }): boolean {
  return record.type !== 'escalated' && failure?.code === 'MAKEGOOD_INTERRUPTED';
}
