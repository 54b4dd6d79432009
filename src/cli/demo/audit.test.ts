import { expect, test } from 'vitest';
import { audit, type AuditResult, type Evidence } from './audit.ts';
import type { Effect, Ledger } from './ledger.ts';
import { type Order, orderTotals } from './order.ts';
import { type Service, serviceNames } from './participant-call.ts';

const order = (id: string, country = 'EIRE'): Order => ({
  id,
  placedAt: '1/2/2011 9:05',
  customer: '7',
  country,
  lines: [
    { quantity: 3, unitPrice: 18_350 },
    { quantity: -1, unitPrice: 20_000 },
  ],
});
const sale = order('1');
const cancelled = order('C2');
const unreachable = order('3', 'Antarctica');

const effect = (of: Order, service: Service, change: Partial<Effect> = {}): Effect => {
  const { quantity, pence } = orderTotals(of);
  const totals = service === 'payment' ? { quantity: 0, pence } : { quantity, pence: 0 };
  return { saga: of.id, phase: 'action', times: 1, ...totals, ...change };
};
const undone = (of: Order, service: Service): Effect => {
  const done = effect(of, service);
  return { ...done, phase: 'compensation', quantity: 0 - done.quantity, pence: 0 - done.pence };
};
const ledger = (...effects: Effect[]): Ledger => {
  const balance = { quantity: 0, pence: 0 };
  for (const each of effects) {
    balance.quantity += each.quantity;
    balance.pence += each.pence;
  }
  return { effects, balance };
};

/** A run in which everything is as it must be: one sale, one that payment declines, one that shipping refuses. */
const soundEffects: Readonly<Record<Service, readonly Effect[]>> = {
  inventory: [
    effect(sale, 'inventory'),
    effect(cancelled, 'inventory'),
    undone(cancelled, 'inventory'),
    effect(unreachable, 'inventory'),
    undone(unreachable, 'inventory'),
  ],
  payment: [effect(sale, 'payment'), effect(unreachable, 'payment'), undone(unreachable, 'payment')],
  shipping: [effect(sale, 'shipping')],
};
const sound: Evidence = {
  orders: [sale, cancelled, unreachable],
  acknowledged: new Set(['1', 'C2', '3']),
  journal: new Map([
    ['1', 'completed'],
    ['C2', 'compensated'],
    ['3', 'compensated'],
  ]),
  ledgers: {
    inventory: ledger(...soundEffects.inventory),
    payment: ledger(...soundEffects.payment),
    shipping: ledger(...soundEffects.shipping),
  },
};

function withEffects(service: Service, change: (effects: readonly Effect[]) => readonly Effect[]): Evidence {
  return { ...sound, ledgers: { ...sound.ledgers, [service]: ledger(...change(soundEffects[service])) } };
}

function withStatus(id: string, status: string | undefined): Evidence {
  const journal = new Map(sound.journal);
  if (status === undefined) journal.delete(id);
  else journal.set(id, status);
  return { ...sound, journal };
}

const messages = (result: AuditResult): string[] =>
  result.findings.map(({ kind, saga, message }) => `${kind}: ${saga}: ${message}`);

test('a sound run is OK, with totals to the penny from input, effects and balance', () => {
  expect(audit(sound)).toEqual({
    ok: true,
    orders: 3,
    acknowledged: 3,
    sales: { orders: 1, quantity: 2, pence: 351 },
    outcomes: { completed: 1, compensated: 2 },
    givenUp: 0,
    lost: 0,
    doubled: 0,
    wrong: 0,
    totals: {
      reservedQuantity: { expected: 2, effects: 2, balance: 2 },
      chargedPence: { expected: 351, effects: 351, balance: 351 },
      shippedQuantity: { expected: 2, effects: 2, balance: 2 },
    },
    findings: [],
  });
});

test.each(serviceNames)('an effect that %s applied twice is doubled, even when the sums are repaired', (service) => {
  const result = audit(withEffects(service, ([first, ...rest]) => [{ ...(first as Effect), times: 2 }, ...rest]));
  expect(result).toMatchObject({ ok: false, doubled: 1, lost: 0, wrong: 0 });
  expect(messages(result)).toEqual([`doubled: 1: ${service} applied its action 2 times`]);
});

test('a compensation that was applied twice is doubled, and what it took too much is wrong', () => {
  const twice = { ...undone(cancelled, 'inventory'), quantity: -4, times: 2 };
  const result = audit(
    withEffects('inventory', (effects) =>
      effects.map((each) => (each.saga === 'C2' && each.phase === 'compensation' ? twice : each)),
    ),
  );
  expect(messages(result)).toEqual([
    'doubled: C2: inventory applied its compensation 2 times',
    'wrong: C2: compensated, but -2 pieces and 0 pence are left at inventory',
  ]);
  expect(result.totals.reservedQuantity).toEqual({ expected: 2, effects: 0, balance: 0 });
});

test('a saga that was accepted and that the journal does not know is lost; so is one that is not finished', () => {
  expect(messages(audit(withStatus('1', undefined)))).toContain('lost: 1: accepted, but the journal does not know it');
  expect(messages(audit(withStatus('1', 'running')))).toEqual(['lost: 1: accepted, but not finished: it is running']);
  expect(messages(audit(withStatus('1', 'needs-human')))).toEqual([
    'lost: 1: accepted, but not finished: it is needs-human',
  ]);
  const never = audit({ ...withStatus('1', undefined), acknowledged: new Set() });
  expect(messages(never)).toContain('lost: 1: an order that was never accepted, but the journal does not know it');
  expect(never).toMatchObject({ ok: false, lost: 1 });
});

test.each(serviceNames)('a completed saga without its effect at %s is wrong', (service) => {
  const result = audit(withEffects(service, ([, ...rest]) => rest));
  expect(messages(result)).toEqual([`wrong: 1: completed, but ${service} has no effect of it`]);
  expect(result.ok).toBe(false);
});

test('a completed saga with one penny too much, or with something undone, is wrong', () => {
  const penny = audit(withEffects('payment', ([first, ...rest]) => [{ ...(first as Effect), pence: 352 }, ...rest]));
  expect(messages(penny)).toEqual([
    'wrong: 1: completed, but payment has 0 pieces and 352 pence instead of 0 pieces and 351 pence',
  ]);
  expect(penny.totals.chargedPence).toEqual({ expected: 351, effects: 352, balance: 352 });
  const refunded = audit(withEffects('payment', (effects) => [...effects, undone(sale, 'payment')]));
  expect(messages(refunded)).toEqual(['wrong: 1: completed, but payment has undone it']);
});

test('a compensated saga that left something, or undid what was never done, is wrong', () => {
  const kept = audit(withEffects('payment', (effects) => effects.filter((each) => each.phase !== 'compensation')));
  expect(messages(kept)).toEqual(['wrong: 3: compensated, but payment never undid 0 pieces and 351 pence']);
  const hollow = audit(withEffects('payment', (effects) => [...effects, undone(cancelled, 'payment')]));
  expect(messages(hollow)).toEqual(['wrong: C2: compensated, but payment undid what it had not done']);
  const shipped = audit(withEffects('shipping', (effects) => [...effects, effect(cancelled, 'shipping')]));
  expect(messages(shipped)).toEqual(['wrong: C2: compensated, but shipping never undid 2 pieces and 0 pence']);
});

test('an order that a participant must refuse and that completed is wrong', () => {
  expect(messages(audit(withStatus('C2', 'completed')))).toContain('wrong: C2: completed, but payment must refuse it');
  expect(messages(audit(withStatus('3', 'completed')))).toContain('wrong: 3: completed, but shipping must refuse it');
});

test('effects and sagas that nobody ordered are wrong', () => {
  const result = audit({ ...sound, orders: [sale, cancelled] });
  expect(messages(result)).toEqual([
    'wrong: 3: the journal has a saga that nobody ordered',
    'wrong: 3: inventory has an effect that nobody ordered',
    'wrong: 3: payment has an effect that nobody ordered',
  ]);
});

test('a balance that differs from the effects by one is not OK, though every saga is right', () => {
  const { payment } = sound.ledgers;
  const result = audit({
    ...sound,
    ledgers: { ...sound.ledgers, payment: { ...payment, balance: { quantity: 0, pence: 350 } } },
  });
  expect(result).toMatchObject({
    ok: false,
    findings: [],
    totals: { chargedPence: { expected: 351, effects: 351, balance: 350 } },
  });
});

test('a sale that was undone without leaving anything is OK and counted as given up', () => {
  const evidence: Evidence = {
    orders: [sale],
    acknowledged: new Set(['1']),
    journal: new Map([['1', 'compensated']]),
    ledgers: {
      inventory: ledger(effect(sale, 'inventory'), undone(sale, 'inventory')),
      payment: ledger(),
      shipping: ledger(),
    },
  };
  expect(audit(evidence)).toMatchObject({
    ok: true,
    givenUp: 1,
    totals: { chargedPence: { expected: 0, effects: 0, balance: 0 } },
  });
});
