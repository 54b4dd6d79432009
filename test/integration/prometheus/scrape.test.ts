import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { hasServer, type Service, startPrometheus } from '../../../scripts/services.ts';
import { prometheus, prometheusContentType } from '../../../src/adapters/prometheus/index.ts';
import { keepBusy } from './busy-house.ts';

const observability = join(import.meta.dirname, '../../../observability');
const rules = readFileSync(join(observability, 'prometheus-rules.yml'), 'utf8');
const hasPrometheus = hasServer('prometheus');
const metrics = prometheus();
let server: Server | undefined;
let service: Service | undefined;
let working: ReturnType<typeof setInterval> | undefined;

async function listen(): Promise<number> {
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': prometheusContentType }).end(metrics.text());
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Asks the real Prometheus. */
async function query(expression: string): Promise<readonly Sample[]> {
  const answer = await fetch(`${service?.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
  const body = (await answer.json()) as { status: string; error?: string; data: { result: readonly Sample[] } };
  if (body.status !== 'success') throw new Error(`${expression}: ${body.error}`);
  return body.data.result;
}

/** Whether there is data that is a number; a division by nothing gives NaN. */
async function hasData(expression: string): Promise<boolean> {
  return (await query(expression)).some(({ value }) => Number.isFinite(Number(value[1])));
}

beforeAll(async () => {
  if (!hasPrometheus) return;
  const port = await listen();
  const config = `global: { scrape_interval: 500ms, evaluation_interval: 500ms }
rule_files: [rules.yml]
scrape_configs: [{ job_name: makegood, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }]
`;
  service = await startPrometheus({ config, files: { 'rules.yml': rules } });
  let round = 0;
  working = setInterval(() => void keepBusy(metrics.observer, round++), 250);
  const givenUp = 'sum(increase(makegood_sagas_escalated_total[1m])) > 0';
  for (let look = 0; look < 500 && !(await hasData(givenUp)); look++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}, 90_000);

afterAll(async () => {
  clearInterval(working);
  server?.close();
  await service?.[Symbol.asyncDispose]();
});

test.skipIf(!hasPrometheus)('promtool finds no fault with the text, its names and its units', async () => {
  await keepBusy(metrics.observer, -1);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: metrics.text(),
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test.skipIf(!hasPrometheus)('a real Prometheus scrapes them, labels and all', async () => {
  // On a machine that is busy a single scrape may be late.
  expect((await query('max_over_time(up[1m])')).map(({ value }) => value[1])).toEqual(['1']);
  const [budgetEmpty] = await query(
    'makegood_operation_duration_seconds_count{makegood_operation_outcome="budget-empty"}',
  );
  expect(budgetEmpty?.metric['makegood_operation_name']).toBe('search "all"\\');
  expect(await hasData('makegood_retries_total{makegood_operation_name="place-order/charge",error_type="Error"}')).toBe(
    true,
  );
  expect(await hasData('makegood_saga_duration_seconds_count{makegood_saga_outcome="compensated"}')).toBe(true);
});

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync(join(observability, 'grafana-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

test.skipIf(!hasPrometheus).for(queries)('dashboard, $title: $expr gives data', async ({ expr }) => {
  const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll('$operation', '.*');
  expect(asked).not.toContain('$');
  expect(await hasData(asked)).toBe(true);
});

test.skipIf(!hasPrometheus)('dashboard and alert rules know only metrics that are told', () => {
  const told = new Set([...metrics.text().matchAll(/^(?<name>makegood_\w+)/gm)].map((match) => match.groups?.['name']));
  const texts = [...queries.map(({ expr }) => expr), rules];
  const metricName = /\bmakegood_\w+(?:_total|_bucket|_count|_sum|_active|_blocked|_open)\b/g;
  const asked = texts.flatMap((text) => text.match(metricName) ?? []);
  expect(asked.length).toBeGreaterThan(queries.length);
  expect([...new Set(asked)].filter((name) => !told.has(name))).toEqual([]);
});

test.skipIf(!hasPrometheus)('Prometheus loads the alert rules, and each can be evaluated', async () => {
  const answer = await fetch(`${service?.url}/api/v1/rules`);
  const body = (await answer.json()) as { data: { groups: { rules: { name: string; health: string }[] }[] } };
  const loaded = body.data.groups.flatMap((group) => group.rules);
  expect(loaded).toHaveLength(7);
  expect(loaded.filter(({ health }) => health === 'err')).toEqual([]);
});

test.skipIf(!hasPrometheus)('the alert rules are sound, and fire when they should and not before', () => {
  for (const command of ['check rules prometheus-rules.yml', 'test rules prometheus-rules.test.yml']) {
    const { status, stdout, stderr } = spawnSync('promtool', command.split(' '), {
      cwd: observability,
      encoding: 'utf8',
    });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: expect.stringContaining('SUCCESS') });
  }
});
