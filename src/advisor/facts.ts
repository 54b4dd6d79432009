/** How long something takes: milliseconds, or text such as `'80ms'`, `'1.5s'`, `'2m'`. */
export type Latency = number | `${number}${'ms' | 's' | 'm'}`;

/**
 * What must happen while parts cannot reach each other: `cp` refuses rather than disagree, `ap` answers and mends it
 * afterwards, `cp-ap-fallback` is the first while it can and the second while it must.
 */
export type PartitionFact = 'cp' | 'ap' | 'cp-ap-fallback';

/**
 * Which order the business needs: none, since everything may be repeated and reordered (`idempotent`); effects after
 * their causes (`causal`); one order that all agree on (`total-order`).
 */
export type SemanticsFact = 'idempotent' | 'causal' | 'total-order';

/** What is known of a piece of business before it is built: what the advisor decides by. */
export interface Facts {
  /** What is promised to callers, such as `'p99<80ms'` or `'max <= 2s over 5m'`; see {@link parseSla}. */
  readonly sla: string;
  readonly partition: PartitionFact;
  readonly semantics: SemanticsFact;
  /** Whether some step cannot be undone, and whether it stands behind the saga's pivot. Default `'none'`. */
  readonly irreversible?: 'none' | 'behind-pivot' | 'without-pivot' | undefined;
  /** What is lost when one decision was wrong. Default `'low'`. */
  readonly valueAtRisk?: 'low' | 'high' | undefined;
  /** Which share of decisions meets another on the same data, 0 to 1. Default 0. */
  readonly conflictRate?: number | undefined;
  /** How long one call of a participant takes, 99 times of 100. Default: not known, and not counted. */
  readonly participantP99?: Latency | undefined;
  /** How long one write takes that a quorum has acknowledged, 99 times of 100. Default `'5ms'`. */
  readonly quorumP99?: Latency | undefined;
  /** How long one durable write of this machine's log takes, 99 times of 100. Default `'2ms'`. */
  readonly fsyncP99?: Latency | undefined;
  /** How many steps follow each other. Default 3. */
  readonly steps?: number | undefined;
}

/**
 * What is assumed of facts that are not given. The two writes are what was measured where makegood is built: a commit of
 * PostgreSQL with fsync and the log's own flush, on a virtual disk with about 3,000 fdatasync a second. Measure yours.
 */
export const factDefaults: Readonly<{
  irreversible: 'none';
  valueAtRisk: 'low';
  conflictRate: 0;
  participantP99: '0ms';
  quorumP99: '5ms';
  fsyncP99: '2ms';
  steps: 3;
}> = Object.freeze({
  irreversible: 'none',
  valueAtRisk: 'low',
  conflictRate: 0,
  participantP99: '0ms',
  quorumP99: '5ms',
  fsyncP99: '2ms',
  steps: 3,
});
