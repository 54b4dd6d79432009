import { expect, test } from 'vitest';
import { adviseChecked } from '../../advisor/advise.ts';
import type { Facts } from '../../advisor/facts.ts';
import type { Paint } from '../paint.ts';
import { adviceText } from './advice-text.ts';

const paint: Paint = (_, text) => text;

function textOf(facts: Facts): string {
  return adviceText(facts, adviseChecked(facts), { paint, explain: false, measurement: undefined });
}

test('a budget that is not kept says by how much, and which SLA would be', () => {
  const text = textOf({ sla: 'p99<80ms', partition: 'cp', semantics: 'causal', participantP99: '40ms' });
  expect(text).toContain('need 141 ms of 80 ms  ✗ 61 ms too much; p99<=141ms would be kept');
});

test('what is measured stands before the facts that it makes', () => {
  const facts = { sla: 'p99<80ms', partition: 'cp', semantics: 'causal', fsyncP99: '1.25ms' } as const;
  const figures = { samples: 300, p50Ms: 0.4567, p99Ms: 1.25, maxMs: 3 };
  const measurement = { log: figures, urls: { 'http://stock/': figures }, facts: { fsyncP99: '1.25ms' } } as const;
  const text = adviceText(facts, adviseChecked(facts), { paint, explain: false, measurement });
  expect(text.split('\n').slice(0, 4)).toEqual([
    'measured',
    '  durable append                p50 0.46 ms  p99 1.25 ms  max 3 ms  (300 samples)',
    '  http://stock/                 p50 0.46 ms  p99 1.25 ms  max 3 ms  (300 samples)',
    '  facts: fsyncP99 1.25ms',
  ]);
});

test('what the business may do while it is cut off is said with its mode', () => {
  const text = textOf({ sla: 'p99<40ms', partition: 'cp-ap-fallback', semantics: 'idempotent' });
  expect(text).toContain(
    '✓ run it as orchestration, consistency cp-cached, and while cut off ap-compensated (saga-first)',
  );
});
