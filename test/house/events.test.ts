import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TelemetryEvent } from '../../src/adapters/telemetry/telemetry-event.ts';
import { eventTypesOf, findUnlistedEvents } from './event-list.ts';
import { projectRoot, readHouse } from './house.ts';

const house = readHouse(projectRoot, ['src']);

// The compiler refuses this when the union has a type more, or one less.
const told: Readonly<Record<TelemetryEvent['type'], true>> = {
  'retry.attempt-started': true,
  'retry.attempt-ended': true,
  'retry.scheduled': true,
  'retry.succeeded': true,
  'retry.ended': true,
  'guard.refused': true,
  'guard.queued': true,
  'guard.fault': true,
  'breaker.opened': true,
  'breaker.half-opened': true,
  'breaker.closed': true,
  'counter.tripped': true,
  'timeout.expired': true,
  'idempotency.replayed': true,
  'idempotency.lease-lost': true,
  'idempotency.release-failed': true,
  'hedge.sent': true,
  'hedge.refused': true,
  'hedge.won': true,
  'fallback.used': true,
  'fallback.failed': true,
  'causality.held': true,
  'causality.refused': true,
  'causality.resend-asked': true,
  'causality.resend-failed': true,
  'causality.delivery-failed': true,
  'causality.parked': true,
  'provisional.conflict': true,
  'provisional.compensation-failed': true,
  'provisional.compensated': true,
  'provisional.needs-human': true,
  'saga.record': true,
  'saga.stale-outcome': true,
  'saga.answer-unusable': true,
  'attention.raised': true,
  'tempo.recovered': true,
  'tempo.blocked': true,
  'tempo.unreadable': true,
  'tempo.failed': true,
  'tempo.shard-opened': true,
  'tempo.shard-handed-over': true,
  'tempo.shard-lost': true,
  'saga-first.settled': true,
  'saga-first.blocked': true,
  'compensator.failed': true,
  'choreography.consumer-restarted': true,
  'choreography.delivery-failed': true,
  'choreography.reacted': true,
  'choreography.retry-scheduled': true,
  'choreography.dead-lettered': true,
  'choreography.relay-failed': true,
  'server.request': true,
  'server.fault': true,
  'webhook.failed': true,
  'wal.recovered': true,
  'wal.torn-tail': true,
  'wal.failed': true,
  'wal.full': true,
  'wal.exhausted': true,
  'wal.space': true,
  'wal.checkpoint': true,
  'wal.checkpoint-damaged': true,
  'wal.trimmed': true,
  'journal.checkpoint-failed': true,
  'wal-store.checkpoint-failed': true,
  'entry-log.checkpoint-failed': true,
  'saga-first.checkpoint-failed': true,
};

test('docs/reference/events.md lists exactly the events there are, each explained', () => {
  expect(findUnlistedEvents(house, readFileSync(join(projectRoot, 'docs/reference/events.md'), 'utf8'))).toEqual([]);
});

test('telemetry adapters take every event there is', () => {
  expect([...eventTypesOf(house).keys()].toSorted()).toEqual(Object.keys(told).toSorted());
});

test('finds an event that the page lacks, one too many, and one that it does not explain', () => {
  const sources = new Map([
    ['src/a/a-events.ts', "type A = { readonly type: 'a.begun' } | { readonly type: 'a.over' };"],
    ['src/a/a.test.ts', "type T = { readonly type: 'a.tested' };"],
    ['src/a/names.ts', "// readonly type: 'a.talk'\ntype N = { readonly type: 'plain' };"],
  ]);
  expect(findUnlistedEvents(sources, '# Events\n\n### `a.gone`\n\nWords.\n\n### `a.over`\n\n## Next\n')).toEqual([
    'docs/reference/events.md: lacks `a.begun` (src/a/a-events.ts)',
    'docs/reference/events.md: `a.gone` is not in the sources',
  ]);
  expect(findUnlistedEvents(sources, '### `a.begun`\n\nWords.\n\n### `a.over`\n')).toEqual([
    'docs/reference/events.md: `a.over` is not explained',
  ]);
});
