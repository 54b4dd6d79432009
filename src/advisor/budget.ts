import { latencyMs } from './digits.ts';
import { factDefaults, type Facts } from './facts.ts';
import type { Consistency } from './rules.ts';
import type { Sla } from './sla.ts';
import { knownFacts } from './traits.ts';

/** What a run costs until its caller has an answer, against what the SLA allows. Times are milliseconds. */
export interface Budget {
  /** Writes that must be durable one after the other. */
  readonly durableWrites: number;
  /** Those of them that a quorum acknowledges, and those that this machine's log does. */
  readonly quorumWrites: number;
  readonly localWrites: number;
  readonly participantCalls: number;
  /** The writes and calls, each at its own p99: a bound from above, since they are not all slow at once. */
  readonly neededMs: number;
  readonly limitMs: number;
  /** What is left; negative when there is not enough. */
  readonly spareMs: number;
  readonly fits: boolean;
  /** Figures that were not given but assumed. */
  readonly assumed: readonly ('participantP99' | 'quorumP99' | 'fsyncP99' | 'steps')[];
  /** The SLA that the run would keep, when it does not keep the one asked for. */
  readonly offer: string | undefined;
}

/** Writes of a run of so many steps, by where they are made. */
interface Writes {
  readonly quorum: number;
  readonly local: number;
}

/**
 * - Orchestration: the end of a step and the start of the next share a write, so `n` steps take `n + 1`.
 * - Choreography: a step is one transaction of inbox, business and outbox, and its event one write of the broker.
 * - Saga-first: REGISTER before a call, CONFIRM before its answer counts.
 */
function writesOf(consistency: Consistency, steps: number): Writes {
  switch (consistency) {
    case 'cp-cached':
      return { quorum: steps + 1, local: 0 };
    case 'causal':
      return { quorum: steps, local: steps };
    case 'ap-compensated':
      return { quorum: 0, local: 2 * steps };
  }
}

/** What a run costs in a mode. */
export function budgetOf(facts: Facts, sla: Sla, consistency: Consistency): Budget {
  const known = knownFacts(facts);
  const { steps } = known;
  const { quorum, local } = writesOf(consistency, steps);
  const used = { quorumP99: quorum > 0, fsyncP99: local > 0, participantP99: true, steps: true };
  const names = ['participantP99', 'quorumP99', 'fsyncP99', 'steps'] as const;
  const neededMs =
    quorum * latencyMs(known.quorumP99, 'quorumP99') +
    local * latencyMs(known.fsyncP99, 'fsyncP99') +
    steps * latencyMs(known.participantP99, 'participantP99');
  const limitMs = latencyMs(sla.limit, 'the limit of sla');
  const fits = sla.operator === '<' ? neededMs < limitMs : neededMs <= limitMs;
  const window = sla.window === undefined ? '' : ` over ${sla.window}`;
  return {
    durableWrites: quorum + local,
    quorumWrites: quorum,
    localWrites: local,
    participantCalls: steps,
    neededMs,
    limitMs,
    spareMs: limitMs - neededMs,
    fits,
    assumed: names.filter((name) => used[name] && facts[name] === undefined && factDefaults[name] !== undefined),
    offer: fits ? undefined : `${sla.quantile}<=${Math.ceil(neededMs)}ms${window}`,
  };
}
