import { context, type Context, type Link, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { Failure } from '../../saga/failure.ts';
import type { SagaEvent } from '../../tempo/events.ts';
import {
  type AttemptBegun,
  type AttemptNote,
  attemptNoteOf,
  type AttemptOver,
  operationOf,
  sagaOutcomeOf,
} from '../telemetry/saga-attempt.ts';
import type { OpenSpan, Spans } from './spans.ts';

type SagaRecorded = Extract<SagaEvent, { type: 'saga.record' }>;

/** A saga that this process drives. */
interface OpenSaga {
  readonly run: OpenSpan;
  /** Where the saga was begun, which is what the first attempt after a restart follows. */
  readonly origin: Link['context'] | undefined;
  readonly attempts: Map<string, OpenSpan>;
  readonly previous: Map<string, Link['context']>;
  /** Why it is being undone, when a step failed. */
  failure: Failure | undefined;
}

/**
 * A span for each run of a saga, from its acceptance or its take-up after a restart to its end, and below it one for each
 * attempt at a step's call. The trace comes from the saga's headers, which are durable; without any it is the caller's.
 */
export class SagaSpans {
  private readonly spans: Spans;
  private readonly limit: number;
  private readonly sagas = new Map<string, OpenSaga>();
  /** Sagas that found no room when they began: a span that began in their midst would tell half a story. */
  private readonly unseen = new Set<string>();

  constructor(spans: Spans, limit: number) {
    this.spans = spans;
    this.limit = limit;
  }

  observe(event: SagaEvent): void {
    if (event.type !== 'saga.record') return;
    const { record, sagaId } = event;
    const outcome = sagaOutcomeOf(record);
    const saga = this.sagas.get(sagaId) ?? this.beginRun(event);
    if (saga === undefined) {
      if (outcome !== undefined) this.unseen.delete(sagaId);
      return;
    }
    const note = attemptNoteOf(record);
    if (note?.says === 'begun') this.beginAttempt(saga, event, note);
    else if (note !== undefined) this.endAttempt(saga, keyOf(sagaId, note), note);
    if (record.type === 'saga-compensating') saga.failure = record.failure;
    if (record.type === 'saga-compensating' || record.type === 'escalated') this.spans.note(saga.run, record.type, {});
    if (outcome !== undefined) this.endRun(sagaId, saga, outcome);
  }

  /** The context of an attempt in hand, by the key its handler is given; `undefined` when there is none. */
  contextOf(sagaId: string, idempotencyKey: string): Context | undefined {
    return this.sagas.get(sagaId)?.attempts.get(idempotencyKey)?.context;
  }

  /** Ends what is open: this process drives these sagas no further. */
  close(): void {
    for (const { run, attempts } of this.sagas.values()) {
      for (const attempt of attempts.values()) attempt.span.end();
      this.spans.end(run, { 'makegood.saga.outcome': 'parked' });
    }
    this.sagas.clear();
    this.unseen.clear();
  }

  private beginRun({ record, sagaId, sagaName, headers }: SagaRecorded): OpenSaga | undefined {
    // Closing a saga that has ended takes up nothing.
    if (record.type === 'saga-closed' || this.unseen.has(sagaId)) return undefined;
    if (this.sagas.size >= this.limit) {
      this.unseen.add(sagaId);
      return undefined;
    }
    const carried = propagation.extract(ROOT_CONTEXT, headers);
    const origin = trace.getSpanContext(carried);
    const resumed = record.type !== 'saga-started';
    const run = this.spans.begin(`saga ${sagaName}`, {
      parent: origin === undefined ? (resumed ? ROOT_CONTEXT : context.active()) : carried,
      follows: resumed ? origin : undefined,
      attributes: {
        'makegood.saga.id': sagaId,
        'makegood.saga.name': sagaName,
        'makegood.saga.epoch': record.epoch,
        ...(resumed && { 'makegood.saga.resumed': true }),
      },
    });
    const saga: OpenSaga = { run, origin, attempts: new Map(), previous: new Map(), failure: undefined };
    this.sagas.set(sagaId, saga);
    return saga;
  }

  private beginAttempt(saga: OpenSaga, { sagaId, sagaName }: SagaRecorded, note: AttemptBegun): void {
    const key = keyOf(sagaId, note);
    const name = operationOf(sagaName, note);
    const attempt = this.spans.begin(`${name} attempt`, {
      parent: saga.run.context,
      follows: saga.previous.get(key) ?? (note.attempt > 1 ? saga.origin : undefined),
      attributes: {
        'makegood.operation.name': name,
        'makegood.saga.id': sagaId,
        'makegood.saga.name': sagaName,
        'makegood.saga.step': note.step,
        'makegood.saga.call': note.call,
        'makegood.attempt.number': note.attempt,
        ...(note.attempt > 1 && { 'http.request.resend_count': note.attempt - 1 }),
      },
    });
    saga.attempts.set(key, attempt);
    saga.previous.set(key, attempt.span.spanContext());
  }

  private endAttempt(saga: OpenSaga, key: string, note: AttemptOver): void {
    const attempt = saga.attempts.get(key);
    if (attempt === undefined) return;
    saga.attempts.delete(key);
    const attributes = { 'makegood.attempt.outcome': note.outcome };
    if (note.outcome === 'failure') this.spans.fail(attempt, note.failure, attributes);
    else this.spans.end(attempt, attributes);
  }

  // A saga that was undone because a step failed has failed; one that somebody cancelled or terminated has not.
  private endRun(sagaId: string, saga: OpenSaga, outcome: string): void {
    this.sagas.delete(sagaId);
    const attributes = { 'makegood.saga.outcome': outcome };
    if (outcome === 'compensated' && saga.failure !== undefined) this.spans.fail(saga.run, saga.failure, attributes);
    else this.spans.end(saga.run, attributes);
  }
}

/** One of a step's calls; actions and compensations have the idempotency key that their handler is given. */
function keyOf(sagaId: string, { step, call }: AttemptNote): string {
  return `${sagaId}/${step}/${call}`;
}
