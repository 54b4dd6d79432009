/** What every participant must show: its own checks and tests in its own tool, the kit, and a graceful end. */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startPostgres } from '../../../scripts/services.ts';
import {
  type BuiltParticipant,
  buildParticipant,
  type Language,
  missingPrograms,
  sourceOf,
} from '../../../scripts/services/participants.ts';
import { postgresBarrier } from '../../../src/adapters/postgres/index.ts';
import { participant as participantIn } from '../../../src/participant/index.ts';
import { runConformance } from '../../../src/conformance/index.ts';
import { crash, startParticipant } from './participant-process.ts';

export interface Judged {
  readonly language: Language;
  /** Of the action. */
  readonly path: string;
  readonly input: unknown;
  readonly refusedInput: unknown;
  /** Commands of the language: format, lint, unit tests. They print nothing, or what the last one has to say. */
  readonly checks: readonly (readonly [program: string, ...args: string[]])[];
}

export function judgeParticipant({ language, path, input, refusedInput, checks }: Judged): void {
  const missing = missingPrograms(language);
  if (missing.length > 0) console.warn(`the ${language} participant is not tested: no ${missing.join(', ')} here`);
  const judged = test.skipIf(missing.length > 0);

  let built: BuiltParticipant;
  let postgres: Service;
  let participant: Service;
  beforeAll(async () => {
    if (missing.length > 0) return;
    built = await buildParticipant(language);
    postgres = await startPostgres();
    participant = await startParticipant(postgres.url, { name: language, database: 'business', ...built });
  }, 300_000);
  afterAll(async () => {
    await participant?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
  });

  judged(
    `the ${language} participant keeps the protocol, killed at work too`,
    async () => {
      const report = await runConformance({
        url: `${participant.url}${path}`,
        effectsUrl: `${participant.url}/effects`,
        input,
        refusedInput,
        timeout: '10s',
        restart: async () => crash(participant),
      });
      expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([]);
    },
    120_000,
  );

  judged(
    `the ${language} participant passes the checks and tests of its own language`,
    async () => {
      const admin = new Client({ connectionString: postgres.url });
      await admin.connect();
      await admin.query('CREATE DATABASE unit');
      await admin.end();
      const env = { ...process.env, ...built.env, DATABASE_URL: databaseUrl(postgres, 'unit') };
      for (const [program, ...args] of checks.slice(0, -1)) {
        const { stdout } = await promisify(execFile)(program, args, { cwd: sourceOf(language), env });
        expect(`${program} ${args.join(' ')}: ${stdout}`).toBe(`${program} ${args.join(' ')}: `);
      }
      const [program, ...args] = checks.at(-1) ?? ['true'];
      await promisify(execFile)(program, args, { cwd: sourceOf(language), env });
    },
    300_000,
  );

  judged(
    `the ${language} participant finishes what is under way when asked to end, and exits with 0`,
    async () => {
      const holder = new Client({ connectionString: databaseUrl(postgres, 'business') });
      await holder.connect();
      const saga = 'held-1';
      try {
        await holder.query('BEGIN');
        await holder.query("INSERT INTO makegood_barrier (saga, step) VALUES ($1, 'step')", [saga]);
        const call = fetch(`${participant.url}${path}`, callOf(saga, 'action', input));
        await untilSomebodyWaits(holder);
        participant.signal('SIGTERM');
        await untilRefused(participant.url);
        await holder.query('ROLLBACK');
        expect((await call).status).toBe(200);
        expect(await participant.ended()).toBe(0);
      } finally {
        await holder.end();
      }
      await participant.restart();
      participant.signal('SIGTERM');
      const idleSince = performance.now();
      expect(await participant.ended()).toBe(0);
      expect(performance.now() - idleSince).toBeLessThan(9000);
      await participant.restart();
    },
    60_000,
  );

  judged(`the rows of the ${language} participant are those of the TypeScript barrier, both ways`, async () => {
    const pool = new Pool({ connectionString: databaseUrl(postgres, 'business') });
    const barrier = postgresBarrier<PoolClient>({ pool });
    const rewritten = participantIn({ barrier, actions: { step: { run: notAsked, compensate: notAsked } } });
    const url = `${participant.url}${path}`;
    const successor = async (init: RequestInit): Promise<Response> => rewritten(new Request(url, init));
    try {
      const first = await fetch(url, callOf('moved-1', 'action', input));
      const again = await successor(callOf('moved-1', 'action', input));
      expect([again.status, await again.text()]).toEqual([first.status, await first.text()]);
      await successor(callOf('moved-2', 'compensation', { input }));
      const late = await fetch(url, callOf('moved-2', 'action', input));
      expect(late.status).toBe(409);
      expect(await late.json()).toMatchObject({ code: 'aborted' });
    } finally {
      await pool.end();
    }
  });
}

function notAsked(): never {
  throw new Error('the business is not asked again');
}

function callOf(saga: string, phase: 'action' | 'compensation', body: unknown): RequestInit {
  const headers = {
    'Content-Type': 'application/json',
    'Idempotency-Key': `${saga}/step/${phase}`,
    'Makegood-Saga': saga,
    'Makegood-Step': 'step',
    'Makegood-Phase': phase,
    'Makegood-Attempt': '1',
    'Makegood-Epoch': '1',
  };
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

function databaseUrl(postgres: Service, database: string): string {
  return postgres.url.replace(/postgres$/, database);
}

/** Resolves when a call waits for the lock that the holder has. */
async function untilSomebodyWaits(holder: Client): Promise<void> {
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  while ((await holder.query(waiting)).rowCount === 0) await sleep(10);
}

/** Resolves when new connections are refused. */
async function untilRefused(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), hostname);
    const refused = await new Promise((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    });
    socket.destroy();
    if (refused === true) return;
    await sleep(10);
  }
}
