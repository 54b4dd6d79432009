import { expect, test } from 'vitest';
import { advise, type Facts } from '../../../src/advisor/index.ts';
import { everyFact } from './every-fact.ts';

const order = {
  partition: ['ap', 'cp-ap-fallback', 'cp'],
  semantics: ['total-order', 'causal', 'idempotent'],
  irreversible: ['without-pivot', 'behind-pivot'],
} as const;

/** Everything that asks for less than these facts, as a choice for each fact: itself, and what it can be relaxed to. */
function relaxations(facts: Facts): Facts[] {
  const [quantile = '', window] = [facts.sla.split(/ ?</)[0], / over .*/.exec(facts.sla)?.[0] ?? ''];
  const limits = ['50ms', facts.quorumP99, facts.participantP99].map((limit) => (limit === 65 ? '65ms' : limit));
  const present = Number(/\d+(?=ms)/.exec(facts.sla)?.[0]);
  const slas = limits.filter((limit) => Number.parseFloat(String(limit)) > present);
  const weaker = <Name extends keyof typeof order>(name: Name): readonly (typeof order)[Name][number][] => {
    const all: readonly (typeof order)[Name][number][] = order[name];
    return all.slice(Math.max(0, all.indexOf(facts[name] as (typeof order)[Name][number])));
  };
  const found: Facts[] = [];
  for (const sla of [facts.sla, ...slas.map((limit) => `${quantile}<=${limit}${window}`)])
    for (const partition of weaker('partition'))
      for (const semantics of weaker('semantics'))
        for (const irreversible of facts.irreversible === 'without-pivot'
          ? weaker('irreversible')
          : [facts.irreversible])
          found.push({ ...facts, sla, partition, semantics, irreversible });
  return found;
}

/** How far facts are from others: facts that differ, then notches by which they do. */
function distance(from: Facts, to: Facts): number {
  const notches = Object.entries(order).map(([name, all]) => {
    const place = (facts: Facts): number => (all as readonly unknown[]).indexOf(facts[name as keyof typeof order]);
    return Math.abs(place(from) - place(to));
  });
  notches.push(from.sla === to.sla ? 0 : 1);
  return 100 * notches.filter((notch) => notch > 0).length + notches.reduce((sum, notch) => sum + notch, 0);
}

test('an offer is the nearest that can be had, found by trying everything, for all 864 combinations of facts', () => {
  let contradictions = 0;
  for (const facts of everyFact()) {
    const advice = advise(facts);
    if (advice.possible) {
      expect(advice.offer).toEqual({});
      continue;
    }
    contradictions++;
    const changed: Facts = { ...facts, ...advice.offer };
    expect(advise(changed)).toMatchObject({ possible: true, consistency: advice.consistency, mode: advice.mode });
    const possible = relaxations(facts).filter((other) => advise(other).possible);
    const nearest = Math.min(...possible.map((other) => distance(facts, other)));
    expect(distance(facts, changed), `${JSON.stringify(facts)} → ${JSON.stringify(advice.offer)}`).toBe(nearest);
  }
  expect(contradictions).toBeGreaterThan(400);
});

function decide(sla: string, semantics: Facts['semantics']) {
  const { mode, consistency, fallback, possible } = advise({ sla, semantics, partition: 'cp-ap-fallback' });
  return { mode, consistency, fallback, possible };
}

test('the trunk: below 50 ms agreement with a cache, else causal order, else answer and compensate', () => {
  const agreement = { mode: 'orchestration', consistency: 'cp-cached', fallback: 'ap-compensated', possible: true };
  expect(decide('p99<49ms', 'idempotent')).toEqual(agreement);
  expect(decide('p99<49ms', 'causal')).toEqual(agreement);
  expect(decide('p99<50ms', 'causal')).toEqual(agreement);
  const causal = { mode: 'choreography', consistency: 'causal', fallback: 'none', possible: true };
  expect(decide('p99<=50ms', 'causal')).toEqual(causal);
  expect(decide('p99<80ms', 'causal')).toEqual(causal);
  const compensated = { mode: 'saga-first', consistency: 'ap-compensated', fallback: 'none', possible: true };
  expect(decide('p99<80ms', 'idempotent')).toEqual(compensated);
});
