/** S9: what others say, where lines, terminals and metrics would take it for something else. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prometheus } from '../../src/adapters/prometheus/index.ts';
import { openWalJournal } from '../../src/journal/index.ts';
import { http } from '../../src/outbound/index.ts';
import { saga } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import { remoteParticipants } from '../../src/testing/index.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const evil = '\u001B[2J\u009B31mgone\u202E\r\n{"level":"error","msg":"forged"}\n# HELP forged\nforged{a="b"} 1';
const raw = /(?!\n)[\p{Cc}\p{Bidi_Control}]/u;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'makegood-injection-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A saga whose participant says it all: in its code, its message, its output. */
async function poisonedLog(): Promise<{ readonly metrics: string }> {
  const participant = (request: Request): Response =>
    request.url.endsWith('charge')
      ? Response.json({ code: evil, message: evil }, { status: 409 })
      : Response.json({ [evil]: evil });
  const definition = saga('order')
    .input<string>()
    .step('reserve', http({ url: 'http://bank/reserve', compensateUrl: 'http://bank/reserve' }))
    .step('charge', http({ url: 'http://bank/charge', compensateUrl: 'http://bank/charge' }))
    .output();
  const metrics = prometheus();
  const caller = remoteParticipants({ 'http://bank/': participant });
  await using tempo = await openTempo({
    journal: await openWalJournal(folder),
    sagas: [definition],
    caller,
    observer: metrics.observer,
  });
  const run = await tempo.start(definition, { id: 'o', input: evil, headers: { 'x-note': 'a' } });
  const { failure } = await run.outcome();
  // A code with anything but letters, digits and a few signs is none; the words are kept as they are.
  expect(failure).toMatchObject({ code: 'REFUSED', message: evil });
  return { metrics: metrics.text() };
}

test('S9.2 a log that is dumped or inspected is one record a line, and moves no terminal', async () => {
  await poisonedLog();
  for (const command of [['dump'], ['inspect'], ['inspect', '--json'], ['verify']]) {
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'wal', ...command, folder]);
    expect(stdout).not.toMatch(raw);
    if (command[0] !== 'dump') continue;
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly type?: string; readonly input?: unknown });
    expect(records.find(({ type }) => type === 'saga-started')?.input).toBe(evil);
  }
});

test('S9.3 metrics: nothing of it begins a line or a label', async () => {
  const { metrics } = await poisonedLog();
  expect(metrics.length).toBeGreaterThan(100);
  for (const line of metrics.split('\n')) {
    expect(line).toMatch(/^(?:# (?:HELP|TYPE) \w+ .*|\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? [-+.\dA-Za-z]+|# EOF|)$/);
    expect(line).not.toContain('forged');
  }
});

test('S9.3 metrics: a hundred thousand names of sagas are not a hundred thousand series', () => {
  const metrics = prometheus();
  const headers = { seq: 1, epoch: 1, timestamp: 0, version: '1', definition: 'd', steps: [], input: null } as const;
  for (let count = 0; count < 100_000; count++) {
    const facts = { sagaId: `${count}`, sagaName: `saga-${count}`, startedAt: 0, headers: {} } as const;
    metrics.observer({
      type: 'saga.record',
      position: count,
      ...facts,
      record: { ...headers, type: 'saga-started', name: facts.sagaName },
    });
  }
  expect(metrics.text().split('\n').length).toBeLessThan(2000);
});
