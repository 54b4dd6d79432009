import { expectedRefusal, type Order, orderTotals, type Totals } from './order.ts';
import { type Service, serviceNames } from './participant-call.ts';
import type { Effect, Ledger } from './ledger.ts';

/** Everything the audit goes by, gathered after all processes have ended. */
export interface Evidence {
  /** What went in. */
  readonly orders: readonly Order[];
  /** Ids whose start the coordinator had reported durable, remembered outside it. */
  readonly acknowledged: ReadonlySet<string>;
  /** What the journal says about each saga: its status. */
  readonly journal: ReadonlyMap<string, string>;
  readonly ledgers: Readonly<Record<Service, Ledger>>;
}

/** What is wrong with one saga. */
export interface Finding {
  /** lost: accepted and not finished · doubled: an effect more than once · wrong: effects that are not the outcome's. */
  readonly kind: 'lost' | 'doubled' | 'wrong';
  readonly saga: string;
  readonly message: string;
}

/** One sum, as it must be and as two independent accounts have it. */
export interface SumCheck {
  /** From the input and the outcomes. */
  readonly expected: number;
  /** Sum of the single effects at the participant. */
  readonly effects: number;
  /** The participant's running balance. */
  readonly balance: number;
}

/** The verdict, as data. */
export interface AuditResult {
  readonly ok: boolean;
  readonly orders: number;
  readonly acknowledged: number;
  /** Orders that nobody should refuse, and what they are worth. */
  readonly sales: Totals & { readonly orders: number };
  /** How many sagas ended how. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Sales that were undone because attempts ran out: made good, so not wrong, but worth knowing. */
  readonly givenUp: number;
  readonly lost: number;
  readonly doubled: number;
  readonly wrong: number;
  readonly totals: Readonly<Record<'reservedQuantity' | 'chargedPence' | 'shippedQuantity', SumCheck>>;
  /** The first findings; the counts above count all of them. */
  readonly findings: readonly Finding[];
}

const shownFindings = 20;

/** One saga's effects at one participant. */
interface Effects {
  readonly action?: Effect;
  readonly compensation?: Effect;
}

type EffectsBySaga = ReadonlyMap<string, Effects>;

function bySaga(ledger: Ledger): EffectsBySaga {
  const found = new Map<string, Effects>();
  for (const effect of ledger.effects) found.set(effect.saga, { ...found.get(effect.saga), [effect.phase]: effect });
  return found;
}

/** What an order's effect is at each participant, once. */
function expectedEffect(service: Service, order: Order): Totals {
  const { quantity, pence } = orderTotals(order);
  return service === 'payment' ? { quantity: 0, pence } : { quantity, pence: 0 };
}

function sameTotals(left: Totals, right: Totals): boolean {
  return left.quantity === right.quantity && left.pence === right.pence;
}

function showTotals({ quantity, pence }: Totals): string {
  return `${quantity} pieces and ${pence} pence`;
}

/** Checks one completed saga at one participant: the effect once, and nothing undone. */
function* checkCompleted(service: Service, order: Order, effects: Effects): Generator<Omit<Finding, 'saga'>> {
  const expected = expectedEffect(service, order);
  if (effects.action === undefined) yield { kind: 'wrong', message: `completed, but ${service} has no effect of it` };
  else if (effects.action.times === 1 && !sameTotals(effects.action, expected)) {
    const message = `completed, but ${service} has ${showTotals(effects.action)} instead of ${showTotals(expected)}`;
    yield { kind: 'wrong', message };
  }
  if (effects.compensation !== undefined) yield { kind: 'wrong', message: `completed, but ${service} has undone it` };
}

/** Checks one compensated saga at one participant: nothing is left, and nothing was undone that had not been done. */
function* checkCompensated(service: Service, { action, compensation }: Effects): Generator<Omit<Finding, 'saga'>> {
  if (action === undefined) {
    if (compensation !== undefined)
      yield { kind: 'wrong', message: `compensated, but ${service} undid what it had not done` };
    return;
  }
  if (compensation === undefined) {
    yield { kind: 'wrong', message: `compensated, but ${service} never undid ${showTotals(action)}` };
    return;
  }
  const net = sum([action, compensation]);
  if (net.quantity !== 0 || net.pence !== 0) {
    yield { kind: 'wrong', message: `compensated, but ${showTotals(net)} are left at ${service}` };
  }
}

function* checkTimes(service: Service, effects: Effects): Generator<Omit<Finding, 'saga'>> {
  for (const effect of [effects.action, effects.compensation]) {
    if (effect !== undefined && effect.times !== 1) {
      yield { kind: 'doubled', message: `${service} applied its ${effect.phase} ${effect.times} times` };
    }
  }
}

function* checkOrder(
  order: Order,
  evidence: Evidence,
  effects: Readonly<Record<Service, EffectsBySaga>>,
): Generator<Finding> {
  const saga = order.id;
  const status = evidence.journal.get(saga);
  const accepted = evidence.acknowledged.has(saga) ? 'accepted' : 'an order that was never accepted';
  if (status === undefined) yield { kind: 'lost', saga, message: `${accepted}, but the journal does not know it` };
  else if (status !== 'completed' && status !== 'compensated') {
    yield { kind: 'lost', saga, message: `${accepted}, but not finished: it is ${status}` };
  }
  const refusal = expectedRefusal(order);
  if (status === 'completed' && refusal !== undefined) {
    yield { kind: 'wrong', saga, message: `completed, but ${refusal} must refuse it` };
  }
  for (const service of serviceNames) {
    const here = effects[service].get(saga) ?? {};
    for (const finding of checkTimes(service, here)) yield { ...finding, saga };
    if (status === 'completed') for (const finding of checkCompleted(service, order, here)) yield { ...finding, saga };
    if (status === 'compensated') for (const finding of checkCompensated(service, here)) yield { ...finding, saga };
  }
}

/** Effects, and sagas in the journal, that no order stands for. */
function* checkStrangers(evidence: Evidence, effects: Readonly<Record<Service, EffectsBySaga>>): Generator<Finding> {
  const known = new Set(evidence.orders.map((order) => order.id));
  for (const saga of evidence.journal.keys()) {
    if (!known.has(saga)) yield { kind: 'wrong', saga, message: 'the journal has a saga that nobody ordered' };
  }
  for (const service of serviceNames) {
    for (const saga of effects[service].keys()) {
      if (!known.has(saga)) yield { kind: 'wrong', saga, message: `${service} has an effect that nobody ordered` };
    }
  }
}

function sum(totals: Iterable<Totals>): Totals {
  let quantity = 0;
  let pence = 0;
  for (const each of totals) {
    quantity += each.quantity;
    pence += each.pence;
  }
  return { quantity, pence };
}

function checkTotals({ orders, journal, ledgers }: Evidence): AuditResult['totals'] {
  const completed = sum(orders.filter((order) => journal.get(order.id) === 'completed').map(orderTotals));
  const check = (service: Service, unit: keyof Totals): SumCheck => ({
    expected: completed[unit],
    effects: sum(ledgers[service].effects)[unit],
    balance: ledgers[service].balance[unit],
  });
  return {
    reservedQuantity: check('inventory', 'quantity'),
    chargedPence: check('payment', 'pence'),
    shippedQuantity: check('shipping', 'quantity'),
  };
}

/**
 * Compares what went in, what the journal says and what really happened at the participants. Pure.
 *
 * @returns a verdict that is `ok` only when no saga is lost, doubled or wrong, and every sum is exact in both accounts.
 */
export function audit(evidence: Evidence): AuditResult {
  const { orders, acknowledged, journal, ledgers } = evidence;
  const effects = {
    inventory: bySaga(ledgers.inventory),
    payment: bySaga(ledgers.payment),
    shipping: bySaga(ledgers.shipping),
  };
  const counts = { lost: 0, doubled: 0, wrong: 0 };
  const findings: Finding[] = [];
  const note = (finding: Finding): void => {
    counts[finding.kind]++;
    if (findings.length < shownFindings) findings.push(finding);
  };
  for (const order of orders) for (const finding of checkOrder(order, evidence, effects)) note(finding);
  for (const finding of checkStrangers(evidence, effects)) note(finding);
  const totals = checkTotals(evidence);
  const exact = Object.values(totals).every(
    ({ expected, effects: done, balance }) => done === expected && balance === expected,
  );
  const sales = orders.filter((order) => expectedRefusal(order) === undefined);
  const outcomes: Record<string, number> = { completed: 0, compensated: 0 };
  for (const status of journal.values()) outcomes[status] = (outcomes[status] ?? 0) + 1;
  return {
    ok: exact && findings.length === 0,
    orders: orders.length,
    acknowledged: acknowledged.size,
    sales: { orders: sales.length, ...sum(sales.map(orderTotals)) },
    outcomes,
    givenUp: sales.filter((order) => journal.get(order.id) === 'compensated').length,
    ...counts,
    totals,
    findings,
  };
}
