import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { errorTypeOf, messageOf } from '../telemetry/error-type.ts';
import { type SpanAttributes, type TelemetryAliases, withAliases } from './attributes.ts';

/** A span and the context in which it is the current one. */
export interface OpenSpan {
  readonly span: Span;
  readonly context: Context;
}

/** What a span is begun with. */
export interface SpanStart {
  readonly parent: Context;
  readonly attributes: SpanAttributes;
  /** The sibling it follows, or where it was begun before a restart. */
  readonly follows?: Link['context'] | undefined;
}

/** Begins and ends spans, with all names as they are to be told. */
export class Spans {
  private readonly tracer: Tracer;
  private readonly aliases: TelemetryAliases;

  constructor(tracer: Tracer, aliases: TelemetryAliases) {
    this.tracer = tracer;
    this.aliases = aliases;
  }

  begin(name: string, { parent, attributes, follows }: SpanStart): OpenSpan {
    const links = follows === undefined ? [] : [{ context: follows }];
    const span = this.tracer.startSpan(name, { attributes: this.named(attributes), links }, parent);
    return { span, context: trace.setSpan(parent, span) };
  }

  end({ span }: OpenSpan, attributes: SpanAttributes): void {
    span.setAttributes(this.named(attributes));
    span.end();
  }

  /** Ends a span with what went wrong: its status is ERROR. */
  fail(open: OpenSpan, error: unknown, attributes: SpanAttributes): void {
    const message = messageOf(error);
    open.span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
    this.end(open, { ...attributes, 'error.type': errorTypeOf(error) });
  }

  /** Notes on a span that something happened. */
  note({ span }: OpenSpan, name: string, attributes: SpanAttributes): void {
    span.addEvent(name, this.named(attributes));
  }

  private named(attributes: SpanAttributes): Attributes {
    return withAliases(attributes, this.aliases);
  }
}
