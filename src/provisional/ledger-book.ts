/**
 * States of a decision on its node: *provisional* → the authority confirms → *confirmed*; → it overrules → *overruled* →
 * the compensation succeeds → *compensated*; → it fails for good → *needs-human* → `retry` → *overruled*, or `resolve` →
 * *compensated*.
 */
import type { EntryOwner } from '../ports/entry-log.ts';
import type { DecisionRules, ProvisionalDecision, Verdict } from './provisional-decision.ts';

/** What a node keeps of its decisions. */
export type LedgerEntry<Body, State> =
  | { readonly type: 'decided'; readonly key: string; readonly decision: ProvisionalDecision<Body> }
  /** An answer of the authority: verdicts, and the states of keys as they are now. */
  | {
      readonly type: 'judged';
      readonly key: string;
      readonly epoch: number;
      readonly verdicts: readonly Verdict[];
      readonly states: readonly (readonly [key: string, state: State])[];
    }
  /** An attempt to compensate begins; it counts however it ends. */
  | { readonly type: 'compensating'; readonly key: string; readonly attempt: number }
  | { readonly type: 'compensated'; readonly key: string; readonly note?: string | undefined }
  | { readonly type: 'given-up'; readonly key: string; readonly error: string }
  | { readonly type: 'retried'; readonly key: string }
  /** How many decisions the node has made, those that it has forgotten included. */
  | { readonly type: 'counted'; readonly key: string; readonly sequence: number };

/** How far a decision has come. */
export type DecisionStatus = 'provisional' | 'confirmed' | 'overruled' | 'compensated' | 'needs-human';

/** A decision and what became of it. */
export interface LedgerItem<Body> {
  readonly decision: ProvisionalDecision<Body>;
  readonly status: DecisionStatus;
  /** What stood in its way. */
  readonly conflict: string | undefined;
  /** How often its compensation was begun, since it was last asked for. */
  readonly attempts: number;
  /** What the last attempt failed with, or the note of whoever resolved it. */
  readonly note: string | undefined;
}

/** A node's decisions: the fold of its entries. */
export class LedgerBook<Body, State> implements EntryOwner<LedgerEntry<Body, State>> {
  epoch = 0;
  sequence = 0;
  readonly items: Map<string, LedgerItem<Body>> = new Map();
  /** Without a verdict, in order. */
  readonly undecided: Map<string, ProvisionalDecision<Body>> = new Map();
  private readonly undecidedOfKey = new Map<string, Map<string, ProvisionalDecision<Body>>>();
  private readonly states = new Map<string, State>();
  /** Those that need nothing any more, the longest ago first. */
  private readonly finished = new Set<string>();
  private readonly rules: DecisionRules<Body, State>;
  private readonly keepFinished: number;

  constructor(rules: DecisionRules<Body, State>, keepFinished: number) {
    this.rules = rules;
    this.keepFinished = keepFinished;
  }

  /** Every decision up to here has its verdict. */
  get acknowledged(): number {
    for (const { sequence } of this.undecided.values()) return sequence - 1;
    return this.sequence;
  }

  confirmedState(key: string): State {
    return this.states.get(key) ?? this.rules.initial(key);
  }

  /** The state of a key as this node sees it: what was confirmed, and what it has decided since. */
  stateOf(key: string): State {
    let state = this.confirmedState(key);
    for (const decision of this.undecidedOfKey.get(key)?.values() ?? []) {
      const ruling = this.rules.apply(state, decision.body);
      if ('state' in ruling) state = ruling.state;
    }
    return state;
  }

  apply(entry: LedgerEntry<Body, State>): void {
    switch (entry.type) {
      case 'decided': {
        const { decision } = entry;
        const item = { decision, conflict: undefined, attempts: 0, note: undefined } as const;
        this.items.set(entry.key, { ...item, status: 'provisional' });
        this.undecided.set(entry.key, decision);
        const others = this.undecidedOfKey.get(decision.key);
        if (others === undefined) this.undecidedOfKey.set(decision.key, new Map([[entry.key, decision]]));
        else others.set(entry.key, decision);
        this.sequence = Math.max(this.sequence, decision.sequence);
        return;
      }
      case 'judged':
        this.epoch = Math.max(this.epoch, entry.epoch);
        for (const [key, state] of entry.states) this.states.set(key, state);
        for (const verdict of entry.verdicts) this.judge(verdict);
        return;
      case 'compensating':
        this.change(entry.key, { attempts: entry.attempt });
        return;
      case 'compensated':
        this.change(entry.key, { status: 'compensated', note: entry.note });
        return this.finish(entry.key);
      case 'given-up':
        this.change(entry.key, { status: 'needs-human', note: entry.error });
        return;
      case 'retried':
        this.change(entry.key, { status: 'overruled', attempts: 0 });
        return;
      case 'counted':
        this.sequence = Math.max(this.sequence, entry.sequence);
    }
  }

  *live(): Generator<LedgerEntry<Body, State>> {
    yield { type: 'counted', key: 'ledger', sequence: this.sequence };
    yield { type: 'judged', key: 'ledger', epoch: this.epoch, verdicts: [], states: [...this.states] };
    for (const [key, item] of this.items) {
      const { decision, status, conflict = '', attempts, note } = item;
      yield { type: 'decided', key, decision };
      if (status === 'provisional') continue;
      const verdict: Verdict =
        status === 'confirmed'
          ? { id: key, outcome: 'confirmed', epoch: this.epoch }
          : { id: key, outcome: 'overruled', epoch: this.epoch, conflict };
      yield { type: 'judged', key, epoch: this.epoch, verdicts: [verdict], states: [] };
      if (attempts > 0) yield { type: 'compensating', key, attempt: attempts };
      if (status === 'compensated') yield { type: 'compensated', key, note };
      if (status === 'needs-human') yield { type: 'given-up', key, error: note ?? '' };
    }
  }

  private judge(verdict: Verdict): void {
    // An answer that comes twice changes nothing.
    const decision = this.undecided.get(verdict.id);
    if (decision === undefined) return;
    this.undecided.delete(verdict.id);
    const others = this.undecidedOfKey.get(decision.key);
    others?.delete(verdict.id);
    if (others?.size === 0) this.undecidedOfKey.delete(decision.key);
    const conflict = verdict.outcome === 'overruled' ? verdict.conflict : undefined;
    this.change(verdict.id, { status: verdict.outcome, conflict });
    if (verdict.outcome === 'confirmed') this.finish(verdict.id);
  }

  private change(id: string, change: Partial<LedgerItem<Body>>): void {
    const item = this.items.get(id);
    if (item !== undefined) this.items.set(id, { ...item, ...change });
  }

  private finish(id: string): void {
    this.finished.add(id);
    for (const oldest of this.finished) {
      if (this.finished.size <= this.keepFinished) return;
      this.finished.delete(oldest);
      this.items.delete(oldest);
    }
  }
}
