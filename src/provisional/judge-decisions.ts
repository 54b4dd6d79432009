import { compareHybrid, type HybridTime } from '../causality/hybrid-time.ts';
import type { DecisionRules, ProvisionalDecision, Verdict } from './provisional-decision.ts';

/** A decision, what was said of it, and what became of its key. */
export interface Judged<Body, State> {
  readonly decision: ProvisionalDecision<Body>;
  readonly verdict: Verdict;
  readonly state: State;
}

/** A decision and the rank by which it is ordered. */
interface Ranked<Body> {
  readonly decision: ProvisionalDecision<Body>;
  readonly epoch: number;
  readonly at: HybridTime;
}

function compareRanked(left: Ranked<unknown>, right: Ranked<unknown>): number {
  const [a, b] = [left.decision, right.decision];
  const byRank = right.epoch - left.epoch || compareHybrid(left.at, right.at);
  return byRank || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0) || a.sequence - b.sequence;
}

/**
 * The order in which decisions are judged: those of the newer epoch first, since they were made by parts that had heard
 * more; then by hybrid time; then by node. A decision is never before an earlier one of its own node, on which it may
 * build: it counts as no newer in epoch and no earlier in time than that.
 */
export function orderDecisions<Body>(decisions: readonly ProvisionalDecision<Body>[]): ProvisionalDecision<Body>[] {
  const last = new Map<string, Ranked<Body>>();
  const ranked = decisions
    .toSorted((left, right) => left.sequence - right.sequence)
    .map((decision) => {
      const before = last.get(decision.node) ?? { epoch: Infinity, at: decision.at };
      const at = compareHybrid(before.at, decision.at) > 0 ? before.at : decision.at;
      const rank = { decision, epoch: Math.min(decision.epoch, before.epoch), at };
      last.set(decision.node, rank);
      return rank;
    });
  return ranked.toSorted(compareRanked).map(({ decision }) => decision);
}

/** Judges decisions one after the other, each on what those before it have left. */
export function judgeDecisions<Body, State>(
  decisions: readonly ProvisionalDecision<Body>[],
  stateOf: (key: string) => State,
  rules: DecisionRules<Body, State>,
  epoch: number,
): readonly Judged<Body, State>[] {
  const states = new Map<string, State>();
  return orderDecisions(decisions).map((decision) => {
    const { id, key } = decision;
    const before = states.get(key) ?? stateOf(key);
    const ruling = rules.apply(before, decision.body);
    if ('conflict' in ruling)
      return { decision, verdict: { id, outcome: 'overruled', epoch, conflict: ruling.conflict }, state: before };
    states.set(key, ruling.state);
    return { decision, verdict: { id, outcome: 'confirmed', epoch }, state: ruling.state };
  });
}
