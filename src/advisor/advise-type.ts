/** The rule table as the compiler reads it; `advise.ts` is its twin at run time. */
import type { CompareDigits, LatencyNs, Scaled } from './digits.ts';
import type { factDefaults, Facts } from './facts.ts';
import type { Consistency, frequentFrom, hurryBelow, modeOf, RuleOffer, rules } from './rules.ts';
import type { ParseSla, SlaFault } from './sla-type.ts';

type Defaults = typeof factDefaults;

/** A fact as it was given, or what is assumed. */
type FactOf<Given, Name extends keyof Defaults> = Given extends { readonly [Key in Name]: infer Fact extends {} }
  ? Fact
  : Defaults[Name];

/** Whether every latency that an SLA allows is below another. */
type IsBelow<Sla, Other> = Sla extends { readonly operator: infer Operator; readonly limit: infer Limit extends string }
  ? CompareDigits<LatencyNs<Limit>, LatencyNs<Other & (string | number)>> extends infer Order
    ? Order extends '<'
      ? true
      : [Order, Operator] extends ['=', '<']
        ? true
        : false
    : never
  : never;

type IfBelow<Sla, Other, Yes, No> = IsBelow<Sla, Other> extends infer Below ? (Below extends true ? Yes : No) : never;

type ConflictsOf<Rate> = `${Rate & number}` extends infer Text extends string
  ? Text extends `${string}e-${string}`
    ? 'rare'
    : CompareDigits<Scaled<Text, '000000'>, typeof frequentFrom> extends '<'
      ? 'rare'
      : 'frequent'
  : never;

/** Answers to the questions of the table. */
interface TraitsOf<Given extends Facts, Sla> {
  readonly participants: IfBelow<Sla, FactOf<Given, 'participantP99'>, 'too-slow', 'in-time'>;
  readonly irreversible: FactOf<Given, 'irreversible'>;
  readonly speed: IfBelow<Sla, typeof hurryBelow, 'below-50ms', '50ms-or-more'>;
  readonly quorum: IfBelow<Sla, FactOf<Given, 'quorumP99'>, 'too-slow', 'in-time'>;
  readonly partition: Given['partition'];
  readonly semantics: Given['semantics'];
  readonly valueAtRisk: FactOf<Given, 'valueAtRisk'>;
  readonly conflicts: ConflictsOf<FactOf<Given, 'conflictRate'>>;
}

type IsOne<Value, Whole = Value> = Value extends unknown ? ([Whole] extends [Value] ? true : false) : never;

/** Whether the compiler knows every fact that matters, and not only that it is one of several. */
type IsKnown<Given extends Facts> = string extends Given['sla']
  ? false
  : number extends FactOf<Given, 'conflictRate'> | FactOf<Given, 'quorumP99'> | FactOf<Given, 'participantP99'>
    ? false
    : IsOne<`${Given['partition']} ${Given['semantics']} ${FactOf<Given, 'irreversible'>} ${FactOf<Given, 'valueAtRisk'>} ${FactOf<Given, 'conflictRate'>} ${FactOf<Given, 'quorumP99'>} ${FactOf<Given, 'participantP99'>} ${Given['sla']}`>;

/** What a row's conditions allow, as types that traits can be compared with. */
type Allowed<When> = When extends readonly [infer First, ...infer Others]
  ? { readonly [Name in keyof First]: First[Name] extends readonly (infer Answer)[] ? Answer : never } | Allowed<Others>
  : never;

type Readied<Rows> = {
  readonly [Place in keyof Rows]: Rows[Place] extends { readonly when: infer When }
    ? { readonly row: Rows[Place]; readonly fits: Allowed<When> }
    : never;
};

type Table = Readied<typeof rules>;

/** The first row that fits. */
type FirstRow<Known, Rows> = Rows extends readonly [infer First, ...infer Others]
  ? First extends { readonly fits: infer Fits; readonly row: infer Row }
    ? Known extends Fits
      ? Row
      : FirstRow<Known, Others>
    : never
  : never;

type RelaxedSla<Sla, To> = Sla extends { readonly quantile: infer Q extends string; readonly window: infer Window }
  ? `${Q}<=${To extends number ? `${To}ms` : To & string}${Window extends string ? ` over ${Window}` : ''}`
  : never;

/** An offer of the table, as facts. */
type Offered<Given extends Facts, Sla, Offer extends RuleOffer> = {
  readonly [Name in keyof Offer]: Name extends 'sla'
    ? RelaxedSla<
        Sla,
        Offer[Name] extends 'hurry'
          ? typeof hurryBelow
          : Offer[Name] extends 'quorum'
            ? FactOf<Given, 'quorumP99'>
            : FactOf<Given, 'participantP99'>
      >
    : Offer[Name];
};

type Merged<Before, After> = Omit<Before, keyof After> & After;
type Flat<Value> = { readonly [Name in keyof Value]: Value[Name] };

/** How a part decides while it is cut off, where it may. */
export type Fallback = 'none' | 'ap-compensated' | 'ap-until-pivot';

type FallbackOf<Known, Leaf> = Leaf extends 'cp-cached'
  ? Known extends { readonly partition: 'cp-ap-fallback' }
    ? Known extends { readonly irreversible: 'none' }
      ? 'ap-compensated'
      : 'ap-until-pivot'
    : 'none'
  : 'none';

/** What is decided: the part of the advice that the compiler knows too. */
export interface Decision {
  /** Whether the facts can all be had together. If not, the rest is for the facts with `offer` put in. */
  readonly possible: boolean;
  /** The row that decided: of contradicting facts the first contradiction. */
  readonly rule: (typeof rules)[number]['id'];
  readonly mode: (typeof modeOf)[Consistency];
  readonly consistency: Consistency;
  /** What a part may do while it is cut off, if the facts allow it something. */
  readonly fallback: Fallback;
  /** The facts to change, as little as can be; nothing when all can be had. */
  readonly offer: Partial<Facts>;
}

interface Verdict<Possible extends boolean, Id, Leaf extends Consistency, Back, Offer> {
  readonly possible: Possible;
  readonly rule: Id;
  readonly mode: (typeof modeOf)[Leaf];
  readonly consistency: Leaf;
  readonly fallback: Back;
  readonly offer: Offer;
}

type Contradicted<Given extends Facts, Id, Offer> =
  Decide<Flat<Merged<Given, Offer>> & Facts> extends infer Rest
    ? Rest extends {
        readonly consistency: infer Leaf extends Consistency;
        readonly fallback: infer Back;
        readonly offer: infer More;
      }
      ? Verdict<false, Id, Leaf, Back, Flat<Merged<Offer, More>>>
      : never
    : never;

type DecideBy<Given extends Facts, Sla, Known> =
  FirstRow<Known, Table> extends infer Row
    ? Row extends { readonly id: infer Id; readonly consistency: infer Leaf extends Consistency }
      ? Verdict<true, Id, Leaf, FallbackOf<Known, Leaf>, {}>
      : Row extends { readonly id: infer Id; readonly offer: infer Offer extends RuleOffer }
        ? Contradicted<Given, Id, Offered<Given, Sla, Offer>>
        : never
    : never;

type Decide<Given extends Facts> =
  ParseSla<Given['sla']> extends infer Sla
    ? Sla extends SlaFault<string>
      ? Sla
      : DecideBy<Given, Sla, TraitsOf<Given, Sla>>
    : never;

/**
 * The advice for facts, by the compiler: the same that `advise` gives. It is any {@link Decision} where a fact is not known
 * exactly, and a {@link SlaFault} where the SLA cannot be read.
 */
export type Advise<Given extends Facts> = IsKnown<Given> extends true ? Decide<Given> : Decision;
