import { expect, test } from 'vitest';
import { audit } from './audit.ts';
import { type DemoReport, percentile, pounds, reportText } from './report.ts';

const emptyLedger = { effects: [], balance: { quantity: 0, pence: 0 } };
const nothing = audit({
  orders: [],
  acknowledged: new Set(),
  journal: new Map(),
  ledgers: { inventory: emptyLedger, payment: emptyLedger, shipping: emptyLedger },
});
const report: DemoReport = {
  input: {
    source: 'orders.csv',
    orders: 2,
    lines: 3,
    badRowCount: 1,
    badRows: ['orders.csv:4: Quantity: expected an integer, got "x"'],
  },
  run: {
    seed: 1,
    failRate: 0.1,
    inFlight: 256,
    seconds: 2,
    sagasPerSecond: 1234.4,
    p50Ms: 12.4,
    p99Ms: 1040.2,
    requests: 7000,
    faults: { reset: 5, unavailable: 4, 'reply-lost': 3, 'timed-out': 2, slow: 1 },
    kills: 5,
    interrupted: 640,
  },
  audit: nothing,
};

test('a percentile is one of the values: the nearest rank', () => {
  expect([0.5, 0.99, 1].map((p) => percentile([4, 1, 3, 2], p))).toEqual([2, 4, 4]);
  expect(percentile([], 0.5)).toBe(0);
});

test('money is shown in pounds and pence, with its sign', () => {
  expect([1_608_644_816, -5, 0].map(pounds)).toEqual(['£16,086,448.16', '-£0.05', '£0.00']);
});

test('the report names throughput, latency, faults by kind, kills, bad rows and the verdict last', () => {
  const text = reportText(report, { color: false });
  expect(text).toContain('throughput   1,234 sagas/s in 2.0 s, 256 in flight');
  expect(text).toContain('latency      p50 12 ms · p99 1040 ms');
  expect(text).toContain('faults       reset 5 · unavailable 4 · reply-lost 3 · timed-out 2 · slow 1');
  expect(text).toContain('kills        5, with 640 orders in flight');
  expect(text).toContain('bad rows     1, left out');
  expect(text).toContain('! orders.csv:4: Quantity: expected an integer, got "x"');
  expect(text.endsWith('\naudit OK: every order was completed, or made good\n')).toBe(true);
  expect(text).not.toContain('\u001B');
});

test('a violation is shown with its saga, its sums, and in red where colour is wanted', () => {
  const totals = { ...nothing.totals, chargedPence: { expected: 351, effects: 352, balance: 352 } };
  const findings = [{ kind: 'doubled', saga: '536365', message: 'payment applied its action 2 times' }] as const;
  const outcomes = { completed: 1, compensated: 0, 'needs-human': 1 };
  const text = reportText(
    { ...report, audit: { ...nothing, ok: false, doubled: 1, givenUp: 1, totals, findings, outcomes } },
    { color: true },
  );
  expect(text).toContain('charged      £3.52 in effects, £3.52 in the balance, expected £3.51');
  expect(text).toContain('! doubled: 536365: payment applied its action 2 times');
  expect(text).toContain('needs-human  1');
  expect(text).toContain('given up     1 sales undone because attempts ran out');
  expect(text.endsWith('\u001B[31maudit NOT OK\u001B[0m\n')).toBe(true);
});
