import type { HybridTime } from '../causality/hybrid-time.ts';

/** A decision that a node made on its own, and that may be overruled. */
export interface ProvisionalDecision<Body> {
  readonly id: string;
  /** What it is about; decisions on different keys never conflict. */
  readonly key: string;
  readonly node: string;
  /** Its place among the node's decisions, from 1, without a gap. */
  readonly sequence: number;
  /** The authority's epoch, as far as the node had heard when it decided. */
  readonly epoch: number;
  readonly at: HybridTime;
  readonly body: Body;
}

/** What the authority says of a decision: it stands, or another stands in its way. */
export type Verdict =
  | { readonly id: string; readonly outcome: 'confirmed'; readonly epoch: number }
  | { readonly id: string; readonly outcome: 'overruled'; readonly epoch: number; readonly conflict: string };

/** What a decision does to the state of its key, or why it cannot. */
export type Ruling<State> = { readonly state: State } | { readonly conflict: string };

/**
 * The rules of the business, the same on every node and on the authority. Pure; states and bodies are JSON.
 */
export interface DecisionRules<Body, State> {
  /** The state of a key before its first decision. */
  readonly initial: (key: string) => State;
  /** What a decision makes of a state; `{ conflict }` when it cannot stand there. */
  readonly apply: (state: State, body: Body) => Ruling<State>;
}
