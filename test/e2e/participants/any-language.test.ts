/** examples/any-language as its page tells it: the commands are those of the README, only the ports are others. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import { buildParticipant, type Language, missingPrograms } from '../../../scripts/services/participants.ts';
import { startService } from '../../../scripts/services/service.ts';
import { crash, startParticipant } from './participant-process.ts';

const root = join(import.meta.dirname, '../../..');
const example = join(root, 'examples/any-language');
const services: readonly (readonly [Language, database: string, port: number])[] = [
  ['go', 'inventory', 8081],
  ['python', 'payments', 8082],
  ['java', 'shipping', 8083],
];

const missing = services.flatMap(([language]) => missingPrograms(language));
if (missing.length > 0) console.warn(`examples/any-language is not tested: no ${missing.join(', ')} here`);
const run = test.skipIf(missing.length > 0);

const running: Service[] = [];
let postgres: Service;
let folder: string;
beforeAll(async () => {
  if (missing.length > 0) return;
  postgres = await startPostgres();
  for (const [language, database] of services) {
    const built = await buildParticipant(language);
    running.push(await startParticipant(postgres.url, { name: database, database, ...built }));
  }
  running.push(
    await startService({
      name: 'makegood',
      command: ({ port, folder: data }) => [
        process.execPath,
        join(root, 'src/cli/main.ts'),
        'serve',
        '--listen',
        `127.0.0.1:${port}`,
        '--data',
        `${data}/data`,
      ],
      url: (port) => `http://127.0.0.1:${port}`,
    }),
  );
  folder = mkdtempSync(join(tmpdir(), 'makegood-any-language-'));
  writeFileSync(join(folder, 'place-order.json'), atOurPorts(readFileSync(join(example, 'place-order.json'), 'utf8')));
}, 300_000);
afterAll(async () => {
  for (const service of running) await service[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** What the page says, at the ports that the services have here. */
function atOurPorts(text: string): string {
  const ports = [...services.map(([, , port]) => port), 7788];
  return ports.reduce((said, port, at) => said.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${running[at]?.port}`), text);
}

async function shell(command: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-ec', command], { cwd: folder })).stdout;
}

interface Outcome {
  readonly status: string;
  readonly failure?: { readonly code: string; readonly step: string };
}

/** The last of the JSON documents that were printed one behind the other. */
function outcomeIn(said: string): Outcome {
  return JSON.parse(said.slice(said.lastIndexOf('}{') + 1)) as Outcome;
}

async function query<Row>(database: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: postgres.url.replace(/postgres$/, database) });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** The sagas whose effect stands in a database: done and not undone. */
async function sagasIn(database: string, table: string, kind: string): Promise<string[]> {
  const rows = await query<{ saga: string }>(
    database,
    `SELECT saga FROM ${table} GROUP BY saga HAVING sum(CASE kind WHEN '${kind}' THEN 1 ELSE -1 END) = 1 ORDER BY saga`,
  );
  return rows.map(({ saga }) => saga);
}

async function standing(): Promise<Readonly<Record<'reserved' | 'charged' | 'booked', readonly string[]>>> {
  return {
    reserved: await sagasIn('inventory', 'reservations', 'reserved'),
    charged: await sagasIn('payments', 'entries', 'charge'),
    booked: await sagasIn('shipping', 'bookings', 'booked'),
  };
}

run(
  'the commands of the page: one order is completed, one is made good, and the databases agree',
  async () => {
    const page = readFileSync(join(example, 'README.md'), 'utf8');
    const blocks = [...page.matchAll(/^```sh\n(?<commands>[^`]+)```$/gm)].map(
      (match) => match.groups?.['commands'] ?? '',
    );
    expect(blocks).toHaveLength(3);
    const [placed = '', refused = '', history = ''] = blocks.map(atOurPorts);
    expect(outcomeIn(await shell(placed))).toMatchObject({ status: 'completed' });
    expect(outcomeIn(await shell(refused))).toMatchObject({
      status: 'compensated',
      failure: { code: 'NOT_SERVED', step: 'ship' },
    });
    expect(await shell(history)).toContain('order-2');
    // Placed again: the saga that is there is the answer, and nothing happens twice.
    await shell(placed);
    expect(await standing()).toEqual({ reserved: ['order-1'], charged: ['order-1'], booked: ['order-1'] });
    expect(await query('payments', "SELECT cents FROM accounts WHERE id = 'alice'")).toEqual([{ cents: '99998750' }]);
  },
  120_000,
);

run(
  'every service and the coordinator killed at work: each order is completed or made good, in all databases',
  async () => {
    const document = JSON.parse(atOurPorts(readFileSync(join(example, 'place-order.json'), 'utf8'))) as {
      readonly input: object;
      readonly steps: readonly object[];
    };
    const server = running[3] as Service;
    const patient = { maxAttempts: 100, backoff: { kind: 'fixed', initialDelay: '200ms' } };
    const ids = Array.from({ length: 30 }, (_, index) => `killed-${String(index).padStart(2, '0')}`);
    const start = async (id: string, index: number): Promise<void> => {
      const country = index % 3 === 0 ? 'AQ' : 'PL';
      const steps = document.steps.map((step) => ({ ...step, retry: patient, compensationRetry: patient }));
      const body = JSON.stringify({ id, name: 'place-order', input: { ...document.input, country }, steps });
      const headers = { 'Content-Type': 'application/json' };
      // The coordinator may die before it has answered; whoever asks again is told what there is.
      for (;;) {
        const answer = await fetch(`${server.url}/v1/sagas`, { method: 'POST', headers, body }).catch(() => undefined);
        if (answer?.ok === true) return;
        await sleep(50);
      }
    };
    const started = ids.map(async (id, index) => {
      await sleep(index * 40);
      await start(id, index);
    });
    for (const service of running) {
      await sleep(250);
      await crash(service);
    }
    await Promise.all(started);
    const outcomes = await Promise.all(ids.map(async (id) => [id, await outcomeOf(server.url, id)] as const));
    const completed = ids.filter((_, index) => index % 3 !== 0);
    expect(outcomes.filter(([, status]) => status === 'completed').map(([id]) => id)).toEqual(completed);
    expect(
      outcomes.filter(([, status]) => status !== 'completed').every(([, status]) => status === 'compensated'),
    ).toBe(true);
    // They were hit: calls had to be made again.
    const attempts = await Promise.all(ids.map(async (id) => attemptsOf(server.url, id)));
    expect(attempts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3 * ids.length);
    const left = await standing();
    for (const kind of ['reserved', 'charged', 'booked'] as const)
      expect(left[kind]?.filter((id) => id.startsWith('killed-'))).toEqual(completed);
  },
  180_000,
);

async function outcomeOf(url: string, id: string): Promise<string> {
  for (let tries = 0; tries < 40; tries++) {
    const answer = await fetch(`${url}/v1/sagas/${id}/outcome?wait=5s`).catch(() => undefined);
    const outcome = (await answer?.json()) as Outcome | undefined;
    if (answer?.status === 200) return outcome?.status ?? '';
    await sleep(100);
  }
  return 'no outcome';
}

/** How often the actions of a saga were called. */
async function attemptsOf(url: string, id: string): Promise<number> {
  const view = (await (await fetch(`${url}/v1/sagas/${id}`)).json()) as {
    readonly steps: readonly { attempts: number }[];
  };
  return view.steps.reduce((sum, { attempts }) => sum + attempts, 0);
}
