import type { Advise, Decision, Fallback } from './advise-type.ts';
import { type Budget, budgetOf } from './budget.ts';
import { checkFacts } from './check-facts.ts';
import type { Facts } from './facts.ts';
import { configOf, type ModeConfig } from './mode-config.ts';
import {
  type Condition,
  type Consistency,
  hurryBelow,
  type Mode,
  modeOf,
  questions,
  type Rule,
  type RuleOffer,
  rules,
  type Traits,
} from './rules.ts';
import type { Refusal } from './refusal.ts';
import { parseSla, type Sla } from './sla.ts';
import type { SlaFault } from './sla-type.ts';
import { type KnownFacts, knownFacts, traitsOf } from './traits.ts';

/** A row that was looked at on the way to the decision. */
export interface PathStep {
  readonly rule: Decision['rule'];
  readonly fits: boolean;
  /** What the row asks, and how the facts answer. */
  readonly asked: readonly {
    readonly trait: keyof Traits;
    readonly question: string;
    readonly answer: string;
  }[];
}

/** A row that decided, in words. */
export interface Reason {
  readonly rule: Decision['rule'];
  readonly text: string;
  readonly source: string;
}

/** What follows from facts, with its reasons. */
export interface AdviceDetails {
  /** The facts that the advice is for: those given, with the offer put in. */
  readonly facts: Facts;
  /** Why: the contradictions first, if there are any, then the row that decided. */
  readonly reasons: readonly Reason[];
  /** Every row that was looked at, in order; a contradiction begins a new round. */
  readonly path: readonly PathStep[];
  readonly config: ModeConfig;
  readonly budget: Budget;
}

/** The advice for facts; the decision itself has the types that {@link Advise} gives it. */
export type Advice<Given extends Facts = Facts> = AdviceDetails &
  (Advise<Given> extends infer Found extends Decision ? Found : Decision);

/** Refuses facts whose SLA cannot be read, with the message that `parseSla` throws. */
export type ReadableSla<Given extends Facts> =
  Advise<Given> extends SlaFault<infer Message> ? { readonly sla: Refusal<Message> } : {};

interface Row extends Rule {
  readonly id: Decision['rule'];
}

const table: readonly Row[] = rules;
const modes: Readonly<Record<Consistency, Mode>> = modeOf;

function fits(traits: Traits, condition: Condition): boolean {
  return Object.entries(condition).every(([name, answers]) =>
    (answers as readonly string[]).includes(traits[name as keyof Traits]),
  );
}

/** The first row that fits, and those that were looked at. */
function firstRow(traits: Traits): { readonly row: Row; readonly path: readonly PathStep[] } {
  const path: PathStep[] = [];
  for (const row of table) {
    const asked = new Set(row.when.flatMap((condition) => Object.keys(condition)));
    const isFit = row.when.some((condition) => fits(traits, condition));
    path.push({
      rule: row.id,
      fits: isFit,
      asked: [...asked].map((name) => ({
        trait: name as keyof Traits,
        question: questions[name as keyof Traits].text,
        answer: traits[name as keyof Traits],
      })),
    });
    if (isFit) return { row, path };
  }
  throw new RangeError('Expected a row of the rules to fit all that is left');
}

function relaxed(sla: Sla, to: string | number): string {
  const window = sla.window === undefined ? '' : ` over ${sla.window}`;
  return `${sla.quantile}<=${typeof to === 'number' ? `${to}ms` : to}${window}`;
}

/** An offer of the table, as facts. */
function offered({ sla: kind, ...others }: RuleOffer, facts: KnownFacts, sla: Sla): Partial<Facts> {
  if (kind === undefined) return others;
  const limits = { hurry: hurryBelow, quorum: facts.quorumP99, participants: facts.participantP99 };
  return { ...others, sla: relaxed(sla, limits[kind]) };
}

function fallbackOf(consistency: Consistency, { partition, irreversible }: Traits): Fallback {
  if (consistency !== 'cp-cached' || partition !== 'cp-ap-fallback') return 'none';
  return irreversible === 'none' ? 'ap-compensated' : 'ap-until-pivot';
}

/** {@link advise} for facts whose types are not known. */
export function adviseChecked(given: Facts): AdviceDetails & Decision {
  const path: PathStep[] = [];
  const reasons: Reason[] = [];
  const offer: Partial<Facts> = {};
  // Each round puts in what the last contradiction offered. An offer only relaxes, so there are few; more
  // rounds than there are rows would be the table's fault.
  for (let facts = given; reasons.length <= rules.length; facts = { ...given, ...offer }) {
    const sla = parseSla(facts.sla);
    const known = knownFacts(facts);
    const traits = traitsOf(known, sla);
    const found = firstRow(traits);
    const { row } = found;
    path.push(...found.path);
    reasons.push({ rule: row.id, text: row.reason, source: row.source });
    const { consistency } = row;
    if (consistency === undefined) {
      Object.assign(offer, offered(row.offer ?? {}, known, sla));
      continue;
    }
    const fallback = fallbackOf(consistency, traits);
    return {
      possible: reasons.length === 1,
      rule: (reasons[0] as Reason).rule,
      mode: modes[consistency],
      consistency,
      fallback,
      offer,
      facts,
      reasons,
      path,
      config: configOf(consistency, fallback, traits),
      budget: budgetOf(facts, sla, consistency),
    };
  }
  throw new Error(`the rules contradict themselves: ${reasons.map(({ rule }) => rule).join(', ')}`);
}

/**
 * Advises how to run a piece of business: in which mode, with which consistency, and what that costs.
 *
 * Facts that contradict each other get the nearest that can be had (`offer`), and why; `possible` is then `false`. The
 * decision is a pure function of the facts, made by one table; {@link Advise} gives the same answer in the type system.
 *
 * @param facts an SLA, what must happen in a partition, which order is needed, and whatever else is known.
 * @throws {SlaSyntaxError} with a position, when the SLA cannot be read; it does not compile either.
 * @throws {TypeError} or {RangeError} when another fact is none.
 * @example
 * const advice = advise({ sla: 'p99<80ms', partition: 'cp-ap-fallback', semantics: 'causal' });
 * [advice.mode, advice.consistency, advice.possible] // => ['choreography', 'causal', true]
 */
export function advise<const Given extends Facts>(facts: Given & ReadableSla<Given>): Advice<Given> {
  return adviseChecked(checkFacts(facts)) as Advice<Given>;
}
