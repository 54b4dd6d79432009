import { context, type Link } from '@opentelemetry/api';
import type { RetryAttemptEnded, RetryAttemptStarted, RetryEnded, RetryEvent } from '../../retry/retry-events.ts';
import type { SpanAttributes } from './attributes.ts';
import type { OpenSpan, Spans } from './spans.ts';

/** A retried call that is going on. */
interface OpenCall {
  readonly operation: OpenSpan;
  attempt: OpenSpan | undefined;
  /** The attempt before. */
  previous: Link['context'] | undefined;
}

/**
 * A span for each retried call and, below it, one for each attempt, which links to the attempt before. An attempt that
 * failed is marked ERROR on its own span; the call's span only when the call has failed.
 */
export class RetrySpans {
  private readonly spans: Spans;
  private readonly calls = new Map<number, OpenCall>();
  /** Is told the attempt that is about to be made, in the same turn. */
  private readonly attemptBegun: (attempt: OpenSpan) => void;

  constructor(spans: Spans, attemptBegun: (attempt: OpenSpan) => void) {
    this.spans = spans;
    this.attemptBegun = attemptBegun;
  }

  observe(event: RetryEvent): void {
    const call = this.calls.get(event.call);
    switch (event.type) {
      case 'retry.attempt-started':
        this.beginAttempt(call ?? this.beginCall(event), event);
        return;
      case 'retry.attempt-ended':
        if (call !== undefined) this.endAttempt(call, event);
        return;
      case 'retry.scheduled':
        if (call !== undefined) this.spans.note(call.operation, event.type, delayOf(event.delayMs));
        return;
      case 'retry.succeeded':
        this.calls.delete(event.call);
        if (call !== undefined) this.spans.end(call.operation, ending('success', event.attempts));
        return;
      case 'retry.ended':
        this.calls.delete(event.call);
        this.fail((call ?? this.beginCall(event)).operation, event);
        return;
    }
  }

  private beginCall({ call: id, name }: RetryEvent): OpenCall {
    const operation = this.spans.begin(name, {
      parent: context.active(),
      attributes: { 'makegood.operation.name': name },
    });
    const call: OpenCall = { operation, attempt: undefined, previous: undefined };
    this.calls.set(id, call);
    return call;
  }

  private beginAttempt(call: OpenCall, event: RetryAttemptStarted): void {
    const { attempt: number, maxAttempts, delayMs, name } = event;
    call.attempt = this.spans.begin(`${name} attempt`, {
      parent: call.operation.context,
      follows: call.previous,
      attributes: {
        'makegood.operation.name': name,
        'makegood.attempt.number': number,
        ...(Number.isFinite(maxAttempts) && { 'makegood.attempt.max': maxAttempts }),
        ...(number > 1 && { ...delayOf(delayMs), 'http.request.resend_count': number - 1 }),
      },
    });
    call.previous = call.attempt.span.spanContext();
    this.attemptBegun(call.attempt);
  }

  private endAttempt(call: OpenCall, { outcome, error }: RetryAttemptEnded): void {
    const { attempt } = call;
    if (attempt === undefined) return;
    call.attempt = undefined;
    const attributes = { 'makegood.attempt.outcome': outcome };
    if (outcome === 'failure') this.spans.fail(attempt, error, attributes);
    else this.spans.end(attempt, attributes);
  }

  // Whoever cancels a call wanted it to end: that is no error of anybody.
  private fail(operation: OpenSpan, { reason, attempts, error }: RetryEnded): void {
    if (reason === 'aborted') this.spans.end(operation, ending(reason, attempts));
    else this.spans.fail(operation, error, ending(reason, attempts));
  }
}

function delayOf(delayMs: number): SpanAttributes {
  return { 'makegood.retry.delay': delayMs / 1000 };
}

function ending(outcome: string, attempts: number): SpanAttributes {
  return { 'makegood.operation.outcome': outcome, 'makegood.attempt.count': attempts };
}
