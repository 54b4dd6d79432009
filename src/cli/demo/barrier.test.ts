import { expect, test } from 'vitest';
import { type BarrierRow, decideBarrier } from './barrier.ts';

const row = (change: Partial<BarrierRow>): BarrierRow => ({
  phase: 'action',
  reason: 'action',
  epoch: 1,
  status: 200,
  body: '{"n":1}',
  ...change,
});
const action = { phase: 'action', epoch: 1 } as const;
const compensation = { phase: 'compensation', epoch: 1 } as const;

test('a first action runs, and a repeated one is answered from its row', () => {
  expect(decideBarrier([], action)).toEqual({ kind: 'run' });
  expect(decideBarrier([row({})], action)).toEqual({ kind: 'replay', row: row({}) });
});

test('a refusal is repeated as it was, too', () => {
  const refused = row({ status: 409, body: '{"code":"CARD_DECLINED"}' });
  expect(decideBarrier([refused], action)).toEqual({ kind: 'replay', row: refused });
});

test('a compensation undoes an action that was applied, once', () => {
  expect(decideBarrier([row({})], compensation)).toEqual({ kind: 'run' });
  const done = row({ phase: 'compensation', reason: 'compensation' });
  expect(decideBarrier([row({}), done], compensation)).toEqual({ kind: 'replay', row: done });
});

test('a compensation that comes first, or after a refusal, has nothing to undo', () => {
  expect(decideBarrier([], compensation)).toEqual({ kind: 'nothing-to-undo' });
  expect(decideBarrier([row({ status: 409 })], compensation)).toEqual({ kind: 'nothing-to-undo' });
});

test('an action after its compensation is refused', () => {
  const tombstone = row({ reason: 'compensation' });
  const done = row({ phase: 'compensation', reason: 'compensation' });
  expect(decideBarrier([tombstone, done], action)).toMatchObject({ kind: 'refuse', code: 'aborted' });
});

test('a lower epoch than any row has seen is refused, before anything else; an equal or higher one is not', () => {
  const seen = [row({ epoch: 2 }), row({ phase: 'compensation', reason: 'compensation', epoch: 3 })];
  for (const phase of ['action', 'compensation'] as const) {
    expect(decideBarrier(seen, { phase, epoch: 2 })).toMatchObject({ kind: 'refuse', code: 'stale-epoch' });
    expect(decideBarrier(seen, { phase, epoch: 3 })).toMatchObject({ kind: 'replay' });
    expect(decideBarrier(seen, { phase, epoch: 9 })).toMatchObject({ kind: 'replay' });
  }
});
