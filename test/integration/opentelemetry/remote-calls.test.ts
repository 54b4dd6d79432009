import { expect, test } from 'vitest';
import { tracingCaller } from '../../../src/adapters/opentelemetry/index.ts';
import { memoryJournal } from '../../../src/journal/index.ts';
import { http } from '../../../src/outbound/index.ts';
import { saga } from '../../../src/saga/index.ts';
import { openTempo } from '../../../src/tempo/index.ts';
import { remoteParticipants, testClock } from '../../../src/testing/index.ts';
import { sdkWorld } from './sdk-world.ts';

const definition = saga('order')
  .input<null>()
  .step('reserve', http({ url: 'http://stock/', compensateUrl: 'http://stock/' }))
  .output();
const client = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

test('a call carries the span of its attempt, and the rest of what the saga was started with', async () => {
  const clock = testClock();
  const { telemetry, named } = sdkWorld();
  const traced = telemetry.saga(definition);
  const participants = remoteParticipants({ 'http://stock/': () => new Response('7') });
  const caller = tracingCaller(participants);
  await using tempo = await openTempo({
    journal: memoryJournal(),
    sagas: [traced],
    clock,
    caller,
    observer: telemetry.observer,
  });
  const headers = { Traceparent: client, 'X-Tenant': 'a' };
  const run = await tempo.start(traced, { id: 'o', input: null, headers });
  await clock.runAll();
  await run.result();
  const [attempt] = named('order/reserve attempt');
  const { traceId, spanId } = attempt?.spanContext() ?? {};
  const [call] = participants.calls;
  expect(call?.headers).toMatchObject({ traceparent: `00-${traceId}-${spanId}-01`, 'X-Tenant': 'a' });
  expect(call?.headers).not.toHaveProperty('Traceparent');
});

test('without an active trace a call carries the one that the saga was started with', async () => {
  const clock = testClock();
  const participants = remoteParticipants({ 'http://stock/': () => new Response('7') });
  await using tempo = await openTempo({
    journal: memoryJournal(),
    sagas: [definition],
    clock,
    caller: tracingCaller(participants),
  });
  const headers = { traceparent: client, tracestate: 'a=b', baggage: 'tenant=a' };
  await tempo.start(definition, { id: 'o', input: null, headers });
  await clock.runAll();
  expect(participants.calls[0]?.headers).toMatchObject(headers);
});
