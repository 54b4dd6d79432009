import type { EntryOwner } from '../ports/entry-log.ts';
import type { DecisionRules, Verdict } from './provisional-decision.ts';

/** What an authority keeps. */
export type AuthorityEntry<State> =
  /** It was opened once more. */
  | { readonly type: 'epoch'; readonly key: string; readonly epoch: number }
  /** Decisions were judged, and keys have new states: all in one entry, so that no state is without its verdict. */
  | {
      readonly type: 'judged';
      readonly key: string;
      readonly verdicts: readonly { readonly node: string; readonly sequence: number; readonly verdict: Verdict }[];
      readonly states: readonly (readonly [key: string, state: State])[];
    }
  /** A node has kept its verdicts up to a place; they can be forgotten here. */
  | { readonly type: 'acknowledged'; readonly key: string; readonly upTo: number };

/** What an authority knows of a node. */
interface NodeBook {
  /** Everything up to here was judged. */
  judged: number;
  /** Verdicts that the node may not have yet. */
  readonly verdicts: Map<number, Verdict>;
}

/** The authority's states, and the verdicts that nodes may still ask for: the fold of its entries. */
export class AuthorityBook<State> implements EntryOwner<AuthorityEntry<State>> {
  epoch = 0;
  private readonly states = new Map<string, State>();
  private readonly nodes = new Map<string, NodeBook>();
  private readonly rules: DecisionRules<never, State>;

  constructor(rules: DecisionRules<never, State>) {
    this.rules = rules;
  }

  stateOf(key: string): State {
    return this.states.get(key) ?? this.rules.initial(key);
  }

  /** The last decision of a node that was judged. */
  judgedOf(node: string): number {
    return this.nodes.get(node)?.judged ?? 0;
  }

  verdictOf(node: string, sequence: number): Verdict | undefined {
    return this.nodes.get(node)?.verdicts.get(sequence);
  }

  apply(entry: AuthorityEntry<State>): void {
    switch (entry.type) {
      case 'epoch':
        this.epoch = Math.max(this.epoch, entry.epoch);
        return;
      case 'judged':
        for (const { node, sequence, verdict } of entry.verdicts) {
          const book = this.bookOf(node);
          book.judged = Math.max(book.judged, sequence);
          book.verdicts.set(sequence, verdict);
        }
        for (const [key, state] of entry.states) this.states.set(key, state);
        return;
      case 'acknowledged': {
        const book = this.bookOf(entry.key);
        book.judged = Math.max(book.judged, entry.upTo);
        for (const sequence of book.verdicts.keys()) if (sequence <= entry.upTo) book.verdicts.delete(sequence);
      }
    }
  }

  *live(): Generator<AuthorityEntry<State>> {
    yield { type: 'epoch', key: 'authority', epoch: this.epoch };
    for (const [key, state] of this.states) yield { type: 'judged', key, verdicts: [], states: [[key, state]] };
    for (const [node, { judged, verdicts }] of this.nodes) {
      yield { type: 'acknowledged', key: node, upTo: judged };
      const kept = [...verdicts].map(([sequence, verdict]) => ({ node, sequence, verdict }));
      if (kept.length > 0) yield { type: 'judged', key: node, verdicts: kept, states: [] };
    }
  }

  private bookOf(node: string): NodeBook {
    let book = this.nodes.get(node);
    if (book === undefined) {
      book = { judged: 0, verdicts: new Map() };
      this.nodes.set(node, book);
    }
    return book;
  }
}
