import type { Subject } from './subject.ts';

/** What a check is about. */
export type ConformanceGroup = 'once' | 'undo' | 'epoch' | 'probe' | 'form' | 'interruption' | 'restart';

/** What must be known of a participant, beyond its address, so that a check can be made. */
export type ConformanceNeed =
  /** An input that its business refuses (`refusedInput`). */
  | 'refused-input'
  /** That it answers status probes (`probe`). */
  | 'probe'
  /** A way to kill and start it again (`restart`). */
  | 'restart';

/** One sentence of the protocol, and how to find out whether a participant keeps it. */
export interface ConformanceCheck {
  /** Short and stable, such as `duplicate-replays`; what `only` selects by. */
  readonly name: string;
  readonly group: ConformanceGroup;
  /** The sentence that it proves. */
  readonly proves: string;
  /** What to look at first when it fails. */
  readonly advice: string;
  /** Whether a participant that breaks it breaks sagas (`must`), or only makes them slower or harder to read (`should`). */
  readonly level: 'must' | 'should';
  readonly needs: readonly ConformanceNeed[];
  /** Resolves when the sentence is kept, rejects with a `Mismatch` when it is not. */
  readonly run: (subject: Subject) => Promise<void>;
}

/** What a list of checks says of each, besides its name and its run. */
export type ConformanceClause = Pick<ConformanceCheck, 'proves' | 'advice' | 'run'> &
  Partial<Pick<ConformanceCheck, 'level' | 'needs'>>;

/** The checks of one group, from a table by name. */
export function checksOf(
  group: ConformanceGroup,
  clauses: Readonly<Record<string, ConformanceClause>>,
): readonly ConformanceCheck[] {
  return Object.entries(clauses).map(([name, { proves, advice, level = 'must', needs = [], run }]) => {
    return { name, group, proves, advice, level, needs, run };
  });
}
