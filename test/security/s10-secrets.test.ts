/** S10: secrets that are handed to sagas, and where they must not turn up. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prometheus } from '../../src/adapters/prometheus/index.ts';
import { memoryJournal } from '../../src/journal/index.ts';
import { http } from '../../src/outbound/index.ts';
import { notify } from '../../src/ports/notify.ts';
import { saga } from '../../src/saga/index.ts';
import { openTempo } from '../../src/tempo/index.ts';
import { remoteParticipants, testClock } from '../../src/testing/index.ts';
import { sdkWorld } from '../integration/opentelemetry/sdk-world.ts';

let planted = 0;
const canaries: string[] = [];

/** A secret like no other text. */
function canary(): string {
  const secret = `c4n4ry-${++planted}-${'x'.repeat(8)}`;
  canaries.push(secret);
  return secret;
}

const inEnvironment = canary();
beforeAll(() => {
  process.env['MAKEGOOD_TEST_SECRET'] = inEnvironment;
});
afterAll(() => {
  delete process.env['MAKEGOOD_TEST_SECRET'];
});

/** Which canaries a text holds. */
function found(text: string): string[] {
  return canaries.filter((secret) => text.includes(secret));
}

/** JSON of anything, functions and cycles left out. */
function textOf(value: unknown): string {
  const seen = new WeakSet<object>();
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return String(part);
    if (part instanceof Error) return [part.name, part.message, part.stack, Object.entries(part)];
    if (typeof part !== 'object' || part === null) return part;
    if (seen.has(part)) return undefined;
    seen.add(part);
    return part instanceof Map ? [...part] : part;
  });
}

function order(name: string) {
  const query = canary();
  const inHeader = canary();
  return saga(name)
    .input<Record<string, string>>()
    .step(
      'reserve',
      http({
        url: { url: `http://stock/reserve?key=${query}`, headers: { 'X-Api-Key': inHeader } },
        compensateUrl: `http://stock/${query}/release`,
        headers: { Authorization: `Bearer ${canary()}` },
      }),
    )
    .step(
      'charge',
      http({
        url: `http://bank/${query}/charge?key=${query}`,
        compensateUrl: 'http://bank/refund',
        retry: { maxAttempts: 2 },
      }),
    )
    .output(({ results }) => results);
}

test('S10.1 in traces, metrics and what observers are told of other things than records: none', async () => {
  const clock = testClock();
  const { telemetry, spans, metrics } = sdkWorld();
  const scraped = prometheus();
  const others: unknown[] = [];
  const names = ['succeeds', 'refused', 'broken', 'unknown', 'unreadable', 'twice'];
  const definitions = names.map((name) => telemetry.saga(order(name)));
  const bank: Record<string, Response | undefined> = {
    refused: Response.json({ code: 'NO' }, { status: 409 }),
    broken: new Response(null, { status: 500, headers: { 'Set-Cookie': canary() } }),
    unreadable: new Response(`<html>${canary()}`),
  };
  const caller = remoteParticipants(
    {
      'http://stock/': () => Response.json({ token: canary() }),
      'http://bank/': ({ headers }) => bank[headers.get('makegood-saga') ?? '']?.clone() ?? Response.json(canary()),
    },
    { fault: ({ sagaId, phase }) => (sagaId === 'unknown' && phase === 'action' ? 'answer-lost' : undefined) },
  );
  await using tempo = await openTempo({
    journal: memoryJournal(),
    sagas: definitions,
    caller,
    clock,
    observer: (event) => {
      notify(telemetry.observer, event);
      notify(scraped.observer, event);
      if (event.type !== 'saga.record') others.push(event);
    },
  });
  for (const [place, definition] of definitions.entries()) {
    const headers = { Authorization: canary(), Cookie: `session=${canary()}`, 'X-Token': canary() };
    const input = { card: canary(), password: canary() };
    await tempo.start(definition, { id: names[place] ?? '', input, headers });
  }
  await clock.advance(120_000);
  for (const id of names) expect((await tempo.get(id))?.status).toMatch(/^(?:comp|needs-human)/);

  expect(canaries.length).toBeGreaterThanOrEqual(60);
  // They did get where they belong: to the participants.
  expect(found(textOf(caller.calls)).length).toBeGreaterThan(30);
  expect(spans().length).toBeGreaterThan(20);
  expect(
    found(
      textOf(spans().map(({ name, attributes, events, status, links }) => [name, attributes, events, status, links])),
    ),
  ).toEqual([]);
  expect(found(textOf([...(await metrics())]))).toEqual([]);
  expect(found(scraped.text())).toEqual([]);
  expect(others.length).toBeGreaterThan(0);
  expect(found(textOf(others))).toEqual([]);
  expect(found(textOf(await tempo.list({ limit: 100 })))).toEqual([]);
  expect(found(textOf(await tempo.attention.list()))).toEqual([]);
});

test('S10.1 in errors of our own: none, whatever was given', async () => {
  const clock = testClock();
  const definition = order('errors');
  const caller = remoteParticipants({});
  await using tempo = await openTempo({ journal: memoryJournal(), sagas: [definition], caller, clock });
  await tempo.start(definition, { id: 'a', input: { secret: canary() } });
  await clock.advance(60_000);
  const errors: unknown[] = [];
  const attempts: readonly (() => unknown)[] = [
    () => tempo.start(definition, { id: 'a', input: { secret: canary() } }),
    () => tempo.start(definition, { id: 'b', input: { secret: canary() }, headers: { [canary()]: 7 as never } }),
    () => tempo.start(definition, { id: 'c', input: { secret: canary(), big: 1n as never } }),
    () => tempo.signal('a', 'go', { secret: canary() }),
    () => tempo.attention.retryWith('a', 'reserve', { by: 'ada', args: { secret: canary() } }),
    () => http({ url: `http://user:${canary()}@stock/`, readOnly: true }),
    () => http({ url: { url: 'http://stock/', headers: { Host: canary() } }, readOnly: true }),
    () => http({ url: { url: 'http://stock/', headers: { 'X-Key': `${canary()}\n` } }, readOnly: true }),
  ];
  for (const attempt of attempts) {
    try {
      errors.push(await attempt());
    } catch (error) {
      errors.push(error);
    }
  }
  expect(errors.filter((error) => error instanceof Error).length).toBeGreaterThanOrEqual(6);
  const shown = textOf(errors.map((error) => (error instanceof Error ? error : typeof error)));
  expect(
    found(shown).filter((secret) => !shown.includes(`header \\"${secret}`) && !shown.includes(`header "${secret}`)),
  ).toEqual([]);
  const history = textOf((await tempo.history('a')).filter(({ type }) => type !== 'saga-started'));
  expect(found(history)).toEqual([]);
});
