import { expect, test } from 'vitest';
import { advise, adviseChecked } from './advise.ts';
import { checkFacts } from './check-facts.ts';

const base = { sla: 'p99<80ms', partition: 'cp', semantics: 'idempotent' } as const;

test('plain JavaScript is told which fact is wrong, what is expected and what it gave', () => {
  for (const [facts, message] of [
    [null, 'Expected facts to be an object, got null'],
    [{ ...base, partitions: 'cp' }, 'Expected facts to be among sla, partition, semantics'],
    [{ ...base, partition: 'CP' }, 'Expected partition to be one of cp, ap, cp-ap-fallback, got "CP"'],
    [
      { ...base, semantics: undefined },
      'Expected semantics to be one of idempotent, causal, total-order, got undefined',
    ],
    [{ ...base, conflictRate: 1.5 }, 'Expected conflictRate to be a number from 0 to 1, got 1.5'],
    [{ ...base, steps: 0 }, 'Expected steps to be an integer ≥ 1, got 0'],
    [
      { ...base, quorumP99: '5h' },
      'Expected quorumP99 to be milliseconds or text such as "80ms", "1.5s" or "2m", got "5h"',
    ],
  ] as const)
    expect(() => checkFacts(facts)).toThrow(message);
  expect(() => adviseChecked({ ...base, sla: 'p99<80' })).toThrow(
    'Expected sla to have ms, s or m at position 7, got its end',
  );
});

test('a contradiction is answered with its reason, its source and the nearest facts that can be had', () => {
  const advice = advise({ sla: 'p99<80ms', partition: 'ap', semantics: 'total-order' });
  expect(advice).toMatchObject({ possible: false, rule: 'ap-total-order', offer: { semantics: 'causal' } });
  expect(advice.reasons.map(({ rule }) => rule)).toEqual(['ap-total-order', 'causal-dependence']);
  expect(advice.facts).toEqual({ sla: 'p99<80ms', partition: 'ap', semantics: 'causal' });
  expect(advice.path.filter(({ fits }) => fits).map(({ rule }) => rule)).toEqual([
    'ap-total-order',
    'causal-dependence',
  ]);
});

test('an SLA that a quorum write alone breaks is offered as what the quorum can keep, in its own window', () => {
  const advice = advise({ sla: 'p99<5ms over 1m', partition: 'cp', semantics: 'total-order', quorumP99: '8ms' });
  expect(advice).toMatchObject({ possible: false, rule: 'quorum-too-slow', offer: { sla: 'p99<=8ms over 1m' } });
});

test('the budget counts n + 1 writes of the quorum in orchestration, REGISTER and CONFIRM of each step in saga-first', () => {
  const figures = { steps: 3, quorumP99: '6ms', fsyncP99: '1.5ms', participantP99: 10 } as const;
  expect(advise({ ...base, ...figures }).budget).toEqual({
    durableWrites: 4,
    quorumWrites: 4,
    localWrites: 0,
    participantCalls: 3,
    neededMs: 54,
    limitMs: 80,
    spareMs: 26,
    fits: true,
    assumed: [],
    offer: undefined,
  });
  expect(advise({ ...base, ...figures, partition: 'ap' }).budget).toMatchObject({ localWrites: 6, neededMs: 39 });
  const causal = advise({ ...base, ...figures, semantics: 'causal' }).budget;
  expect(causal).toMatchObject({ quorumWrites: 3, localWrites: 3, neededMs: 52.5 });
});

test('a budget that is not kept says what would be, and which figures were only assumed', () => {
  const { budget, possible } = adviseChecked({ ...base, sla: 'p99<30ms', participantP99: '8ms' });
  expect(possible).toBe(true);
  expect(budget).toMatchObject({ fits: false, neededMs: 44, spareMs: -14, offer: 'p99<=44ms' });
  expect(budget.assumed).toEqual(['quorumP99', 'steps']);
});

test('the settings are those of the mode: locks where conflicts are frequent, the steps that the mode needs', () => {
  expect(advise({ ...base, conflictRate: 0.2 }).config).toMatchObject({ stepMode: 'durable', writes: 'semantic-lock' });
  expect(advise({ ...base, partition: 'ap' }).config).toMatchObject({ stepMode: 'saga-first', reconcileBy: 'epoch' });
  expect(advise({ ...base, semantics: 'causal' }).config).toMatchObject({ delivery: { gapTimeout: '30s' } });
});

test('in a fallback a step that cannot be undone waits behind its pivot', () => {
  const fallback = { ...base, partition: 'cp-ap-fallback', irreversible: 'behind-pivot' } as const;
  expect(advise(fallback).fallback).toBe('ap-until-pivot');
  expect(advise({ ...base, irreversible: 'behind-pivot' }).fallback).toBe('none');
});
