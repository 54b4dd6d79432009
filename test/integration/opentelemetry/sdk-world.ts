/** A real OpenTelemetry SDK whose spans and metrics stay in memory. */
import { context, propagation, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { openTelemetry, type OpenTelemetryOptions } from '../../../src/adapters/opentelemetry/index.ts';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
  new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
);

/** A span as tests compare it. */
export interface SeenSpan {
  readonly name: string;
  readonly status: 'UNSET' | 'OK' | 'ERROR';
  readonly attributes: Readonly<Record<string, unknown>>;
}

export function sdkWorld(options: OpenTelemetryOptions = {}) {
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1e8 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const spans = (): readonly ReadableSpan[] => spanExporter.getFinishedSpans();
  return {
    telemetry: openTelemetry({ tracerProvider, meterProvider, ...options }),
    tracer: tracerProvider.getTracer('test'),
    /** Ended spans, in the order of their ends. */
    spans,
    /** The ended spans of one name. */
    named: (name: string) => spans().filter((span) => span.name === name),
    metrics: async (): Promise<ReadonlyMap<string, MetricData>> => {
      metricExporter.reset();
      await reader.forceFlush();
      const scopes = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
      const all = scopes.flatMap(({ metrics }) => metrics);
      return new Map(all.map((metric) => [metric.descriptor.name, metric]));
    },
  };
}

export function seen({ name, status, attributes }: ReadableSpan): SeenSpan {
  return { name, status: SpanStatusCode[status.code] as SeenSpan['status'], attributes };
}

/** A metric's points as `attributes → value`, a histogram's as its count. */
export function pointsOf(metric: MetricData | undefined): readonly (readonly [object, number])[] {
  const points = metric?.dataPoints ?? [];
  return points.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count]);
}
