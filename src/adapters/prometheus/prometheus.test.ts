import { expect, test } from 'vitest';
import type { TelemetryEvent } from '../telemetry/telemetry-event.ts';
import { MetricFamily } from './metric-family.ts';
import { prometheus, prometheusContentType } from './prometheus.ts';
import { prometheusName } from './prometheus-name.ts';

const counter = { kind: 'counter', unit: '{call}', description: 'Calls.', attributes: ['b.name', 'a'] } as const;

test('names follow the rules by which OpenTelemetry metrics become Prometheus ones', () => {
  expect(prometheusName('makegood.retries', { kind: 'counter', unit: '{retry}' })).toBe('makegood_retries_total');
  expect(prometheusName('makegood.retry.delay', { kind: 'histogram', unit: 's' })).toBe('makegood_retry_delay_seconds');
  expect(prometheusName('makegood.sagas.active', { kind: 'level', unit: '{saga}' })).toBe('makegood_sagas_active');
});

test('the same attributes are one series, however they are put together; an absent one has no label', () => {
  const family = new MetricFamily('calls', counter);
  family.record(1, { a: 'x', 'b.name': 'y' });
  family.record(2, { 'b.name': 'y', a: 'x' });
  family.record(5, { a: 'x' });
  expect(family.write()).toBe(
    '# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{b_name="y",a="x"} 3\ncalls_total{a="x"} 5\n',
  );
});

test('values that would end a label, a line or an escape are escaped, so that nobody can write metrics of his own', () => {
  const family = new MetricFamily('calls', { ...counter, description: 'a\\b\nc' });
  family.record(1, { a: 'x"} 1\nevil_total{a="\\' });
  expect(family.write()).toBe(
    String.raw`# HELP calls_total a\\b\nc` +
      '\n# TYPE calls_total counter\n' +
      String.raw`calls_total{a="x\"} 1\nevil_total{a=\"\\"} 1` +
      '\n',
  );
});

test('buckets are cumulative, a bound is inside its bucket, and what is beyond all is in +Inf', () => {
  const family = new MetricFamily('wait', {
    ...counter,
    kind: 'histogram',
    unit: 's',
    buckets: [0.5, 1],
    attributes: [],
  });
  for (const value of [0.5, 0.6, 1, 7]) family.record(value, {});
  expect(family.write().split('\n').slice(2)).toEqual([
    'wait_seconds_bucket{le="0.5"} 1',
    'wait_seconds_bucket{le="1"} 3',
    'wait_seconds_bucket{le="+Inf"} 4',
    'wait_seconds_sum 9.1',
    'wait_seconds_count 4',
    '',
  ]);
});

test('what an alert waits for is there as 0 before it happens', () => {
  const metrics = prometheus();
  metrics.observer({ type: 'tempo.recovered', sagas: 2, blocked: 0, epoch: 1, elapsedMs: 5 });
  expect(metrics.text()).toContain('\nmakegood_tempo_failures_total 0\n');
});

test('a stale outcome is counted; a call for attention is not, for its escalation has been', () => {
  const metrics = prometheus();
  metrics.observer({ type: 'saga.stale-outcome' } as TelemetryEvent);
  metrics.observer({ type: 'attention.raised' } as TelemetryEvent);
  expect(metrics.text().split('\n').slice(2)).toEqual(['makegood_saga_outcomes_stale_total 1', '']);
});

test('a scrape is answered with the content type of the text format', async () => {
  const metrics = prometheus();
  metrics.observer({ type: 'tempo.failed', error: new Error('disk full') });
  const response = metrics.response();
  expect(response.headers.get('content-type')).toBe(prometheusContentType);
  expect(await response.text()).toMatch(
    /^# HELP makegood_tempo_failures_total .+\n# TYPE .+\nmakegood_tempo_failures_total 1\n$/,
  );
});

test('the limit of names is checked at the entrance', () => {
  expect(() => prometheus({ nameLimit: 0 })).toThrow('Expected nameLimit to be an integer ≥ 1, got 0');
});
