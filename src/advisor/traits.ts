import { latencyNs, scaled } from './digits.ts';
import { factDefaults, type Facts, type Latency } from './facts.ts';
import { frequentFrom, hurryBelow, type Traits } from './rules.ts';
import type { Sla } from './sla.ts';

/** Facts with what is assumed of those that were not given. */
export type KnownFacts = { readonly [Name in keyof Facts]-?: NonNullable<Facts[Name]> };

/** Puts in what is assumed. */
export function knownFacts(facts: Facts): KnownFacts {
  const { sla, partition, semantics } = facts;
  const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
  return { sla, partition, semantics, ...factDefaults, ...given };
}

/** Whether every latency that an SLA allows is below another. */
function isBelow({ limit, operator }: Sla, other: Latency): boolean {
  const [limitNs, otherNs] = [latencyNs(limit, 'the limit of sla'), latencyNs(other, 'a latency')];
  return limitNs < otherNs || (limitNs === otherNs && operator === '<');
}

/** A share in millionths; one so small that it is written with an exponent is none. */
function millionths(share: number): bigint {
  const text = String(share);
  return text.includes('e') ? 0n : scaled(text, 6);
}

/** The facts, as answers to the questions of the table. */
export function traitsOf(facts: KnownFacts, sla: Sla): Traits {
  return {
    participants: isBelow(sla, facts.participantP99) ? 'too-slow' : 'in-time',
    irreversible: facts.irreversible,
    speed: isBelow(sla, hurryBelow) ? 'below-50ms' : '50ms-or-more',
    quorum: isBelow(sla, facts.quorumP99) ? 'too-slow' : 'in-time',
    partition: facts.partition,
    semantics: facts.semantics,
    valueAtRisk: facts.valueAtRisk,
    conflicts: millionths(facts.conflictRate) < BigInt(frequentFrom) ? 'rare' : 'frequent',
  };
}
