import { expect, test } from 'vitest';
import { judgeDecisions, orderDecisions } from './judge-decisions.ts';
import type { ProvisionalDecision } from './provisional-decision.ts';

function decision(
  node: string,
  sequence: number,
  epoch: number,
  wallMs: number,
  body = 1,
): ProvisionalDecision<number> {
  return { id: `${node}${sequence}`, key: 'k', node, sequence, epoch, at: { wallMs, logical: 0 }, body };
}

const ids = (decisions: readonly ProvisionalDecision<number>[]): string[] => decisions.map(({ id }) => id);

test('the newer epoch is judged first, then the earlier time, then the name of the node', () => {
  const decisions = [decision('b', 1, 1, 10), decision('c', 1, 2, 99), decision('a', 1, 1, 10), decision('d', 1, 1, 5)];
  expect(ids(orderDecisions(decisions))).toEqual(['c1', 'd1', 'a1', 'b1']);
  expect(ids(orderDecisions(decisions.toReversed()))).toEqual(['c1', 'd1', 'a1', 'b1']);
});

test('a decision is never judged before an earlier one of its node, though it has heard of a newer epoch', () => {
  const decisions = [
    decision('a', 2, 2, 30),
    decision('a', 1, 1, 20),
    decision('b', 1, 1, 25),
    decision('a', 3, 2, 10),
  ];
  expect(ids(orderDecisions(decisions))).toEqual(['a1', 'b1', 'a2', 'a3']);
});

test('each is judged on what those before it have left', () => {
  const rules = {
    initial: () => 0,
    apply: (left: number, wanted: number) => (wanted <= left ? { state: left - wanted } : { conflict: `${left} left` }),
  };
  const judged = judgeDecisions(
    [decision('a', 1, 1, 1, 3), decision('b', 1, 1, 2, 3), decision('c', 1, 1, 3, 2)],
    () => 5,
    rules,
    7,
  );
  expect(judged.map(({ verdict }) => verdict)).toEqual([
    { id: 'a1', outcome: 'confirmed', epoch: 7 },
    { id: 'b1', outcome: 'overruled', epoch: 7, conflict: '2 left' },
    { id: 'c1', outcome: 'confirmed', epoch: 7 },
  ]);
  expect(judged.at(-1)?.state).toBe(0);
});
