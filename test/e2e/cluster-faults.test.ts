/** The short form of `npm run faults:cluster`: node processes on a real server, every kind of fault once, every effect audited. */
import { expect, test } from 'vitest';
import { audit, violationOf } from '../../scripts/faults-cluster/audit.ts';
import { faults } from '../../scripts/faults-cluster/faults.ts';
import { runFaults } from '../../scripts/faults-cluster/run.ts';

test('nodes that are killed, stopped and cut off, and a server that dies, lose no saga and double no effect', async () => {
  const plan = { seconds: 10, nodes: 3, leaseMs: 2000, sagasPerSecond: 15, seed: 20_261_124 };
  const report = await runFaults(plan);
  expect(report).toMatchObject({ stuck: [], violations: [] });
  expect(report.accepted).toBeGreaterThan(50);
  expect(Object.keys(report.faults).length).toBeGreaterThan(Object.keys(faults).length / 2);
}, 150_000);

test('the audit sees what was lost, doubled, left behind, or undone in another order', () => {
  const good = { id: 's', kind: 'good', status: 'completed' } as const;
  const done = ['reserve/action', 'charge/action', 'ship/action'];
  expect(violationOf({ ...good, effects: done })).toBeUndefined();
  expect(violationOf({ ...good, effects: done.slice(1) })).toContain('expected the effects');
  expect(violationOf({ ...good, effects: [...done, 'ship/action'] })).toContain('expected the effects');
  expect(violationOf({ ...good, effects: done, status: undefined })).toContain('is not there');
  const refused = { id: 's', kind: 'refused', status: 'compensated' } as const;
  const undone = ['reserve/action', 'charge/action', 'charge/compensation', 'reserve/compensation'];
  expect(violationOf({ ...refused, effects: undone })).toBeUndefined();
  expect(violationOf({ ...refused, effects: undone.slice(0, 3) })).toContain('expected the effects');
  const swapped = ['reserve/action', 'charge/action', 'reserve/compensation', 'charge/compensation'];
  expect(violationOf({ ...refused, effects: swapped })).toContain('expected the effects');
});

test('the audit sees an acknowledged saga that is gone, and records with a gap', async () => {
  const answers = [{ rows: [] }, { rows: [] }, { rows: [{ id: 'holed' }] }];
  const pool = { query: () => Promise.resolve(answers.shift()) };
  const violations = await audit(pool as never, new Map([['lost', 'good']]), new Set(['lost']));
  expect(violations).toEqual([
    expect.stringContaining('lost: expected to be completed'),
    'holed: its records have a gap',
  ]);
});
