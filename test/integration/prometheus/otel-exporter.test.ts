import { createServer } from 'node:http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import { openTelemetry } from '../../../src/adapters/opentelemetry/index.ts';
import { prometheus } from '../../../src/adapters/prometheus/index.ts';
import { keepBusy } from './busy-house.ts';

/** What OpenTelemetry's own exporter answers to a scrape. */
async function scrape(exporter: PrometheusExporter): Promise<string> {
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const answer = await fetch(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/metrics`);
  const text = await answer.text();
  server.close();
  return text;
}

function typesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (?<name>makegood_\w+ \w+)$/gm)].map((match) => match.groups?.['name'] ?? '');
}

test("OpenTelemetry's own exporter gives the same metrics, but no units: when it does, decision 0031 can be taken back", async () => {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const ours = prometheus();
  const theirs = openTelemetry({ tracerProvider: false, meterProvider });
  await keepBusy((event) => (ours.observer(event), theirs.observer(event)), 0);
  const withoutUnits = typesIn(ours.text()).map((type) => type.replace('_seconds ', ' '));
  expect(typesIn(await scrape(exporter)).toSorted()).toEqual(withoutUnits.toSorted());
  expect(withoutUnits).not.toEqual(typesIn(ours.text()));
});
