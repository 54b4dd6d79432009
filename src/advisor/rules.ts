/**
 * The one table by which a mode is advised. It is read from the top; the first row that fits the traits of the facts
 * decides. A row either has a consistency, or says that the facts contradict each other, and what to ask for instead.
 *
 * `advise` reads it at run time, `Advise` in the type system, and a test proves that they agree on everything.
 *
 * The trunk is the tree of three leaves: an SLA below 50 ms is met by agreement with a pre-warmed local cache; otherwise
 * causal dependence asks for logical clocks; otherwise parts answer on their own and compensate afterwards. The rows
 * between say what the trunk leaves open.
 */

/** SLAs below this are met from a local cache. */
export const hurryBelow = '50ms';

/** From this share on conflicts are frequent, in millionths: more than 10 % of repeated work is what a retry budget forbids. */
export const frequentFrom = '100000';

/** What rows ask, each with the answers there are. */
export const questions = {
  participants: { text: 'Can the participants alone keep the SLA?', answers: ['in-time', 'too-slow'] },
  irreversible: { text: 'Is there a step that cannot be undone?', answers: ['none', 'behind-pivot', 'without-pivot'] },
  speed: { text: 'Is the SLA below 50 ms?', answers: ['below-50ms', '50ms-or-more'] },
  quorum: { text: 'Can one quorum write keep the SLA?', answers: ['in-time', 'too-slow'] },
  partition: { text: 'What must happen while parts are cut off?', answers: ['cp', 'ap', 'cp-ap-fallback'] },
  semantics: { text: 'Which order does the business need?', answers: ['idempotent', 'causal', 'total-order'] },
  valueAtRisk: { text: 'What is lost by a wrong decision?', answers: ['low', 'high'] },
  conflicts: { text: 'How often do decisions meet?', answers: ['rare', 'frequent'] },
} as const;

/** The facts, as answers to the questions of the table. */
export type Traits = { readonly [Name in keyof typeof questions]: (typeof questions)[Name]['answers'][number] };

/** Which answers a row is for; a question that it does not name may have any. */
export type Condition = { readonly [Name in keyof Traits]?: readonly Traits[Name][] };

/** How the parts agree: the leaves of the tree. */
export type Consistency = 'cp-cached' | 'causal' | 'ap-compensated';

/** How the steps are run. */
export type Mode = 'orchestration' | 'choreography' | 'saga-first';

/** The mode that a leaf is run in. */
export const modeOf = {
  'cp-cached': 'orchestration',
  causal: 'choreography',
  'ap-compensated': 'saga-first',
} as const;

/** What to ask for instead; the SLA is relaxed to a limit that can be kept. */
export interface RuleOffer {
  readonly sla?: 'hurry' | 'quorum' | 'participants';
  readonly partition?: 'cp' | 'cp-ap-fallback';
  readonly semantics?: 'causal';
  readonly irreversible?: 'behind-pivot';
}

/** A row of the table. */
export interface Rule {
  readonly id: string;
  /** It fits when one of these does. */
  readonly when: readonly Condition[];
  readonly consistency?: Consistency;
  readonly offer?: RuleOffer;
  readonly reason: string;
  readonly source: string;
}

/** The rows, in the order in which they are read. */
export const rules = [
  {
    id: 'no-pivot',
    when: [{ irreversible: ['without-pivot'] }],
    offer: { irreversible: 'behind-pivot' },
    reason:
      'a step that cannot be undone needs a pivot: before it everything can still be made good, from it on the saga only goes forward',
    source: 'Garcia-Molina, Salem, "Sagas", SIGMOD 1987; Richardson, "Microservices Patterns", 4.3',
  },
  {
    id: 'ap-too-slow',
    when: [
      { partition: ['ap'], speed: ['below-50ms'], quorum: ['too-slow'] },
      { partition: ['ap'], speed: ['below-50ms'], participants: ['too-slow'] },
    ],
    offer: { sla: 'hurry' },
    reason:
      'an SLA below 50 ms needs agreement and a cache, which this one leaves no time for; from 50 ms on parts may answer on their own',
    source: "the trunk's first question",
  },
  {
    id: 'participants-too-slow',
    when: [{ participants: ['too-slow'] }],
    offer: { sla: 'participants' },
    reason: 'no mode makes a participant faster: one call of it already takes longer than the SLA allows',
    source: 'the fact participantP99',
  },
  {
    id: 'ap-total-order-in-a-hurry',
    when: [{ partition: ['ap'], semantics: ['total-order'], speed: ['below-50ms'] }],
    offer: { partition: 'cp' },
    reason:
      'parts that answer while they are cut off cannot agree on one order, and an SLA below 50 ms needs agreement anyhow',
    source: 'Gilbert, Lynch, "Brewer\'s Conjecture", SIGACT News 33(2), 2002',
  },
  {
    id: 'ap-in-a-hurry',
    when: [{ partition: ['ap'], speed: ['below-50ms'] }],
    offer: { partition: 'cp-ap-fallback' },
    reason:
      'an SLA below 50 ms is met by agreement and a pre-warmed cache; answering on its own is what a part can fall back to while it is cut off',
    source: "the trunk's first question",
  },
  {
    id: 'ap-total-order',
    when: [{ partition: ['ap'], semantics: ['total-order'] }],
    offer: { semantics: 'causal' },
    reason:
      'parts that answer while they are cut off cannot agree on one order; causal order is the strongest that they can keep',
    source:
      'Gilbert, Lynch, SIGACT News 33(2), 2002; Mahajan, Alvisi, Dahlin, "Consistency, Availability, and Convergence", UT Austin 2011',
  },
  {
    id: 'fallback-total-order-too-slow',
    when: [
      { partition: ['cp-ap-fallback'], semantics: ['total-order'], speed: ['50ms-or-more'], quorum: ['too-slow'] },
    ],
    offer: { semantics: 'causal' },
    reason:
      'one order needs a quorum write, which is slower than the SLA, and is lost in the fallback; causal order needs neither',
    source: 'Mahajan, Alvisi, Dahlin, UT Austin 2011',
  },
  {
    id: 'fallback-total-order',
    when: [{ partition: ['cp-ap-fallback'], semantics: ['total-order'] }],
    offer: { partition: 'cp' },
    reason: 'a part that falls back to answering on its own breaks the one order that all are to agree on',
    source: 'Gilbert, Lynch, SIGACT News 33(2), 2002',
  },
  {
    id: 'ap-at-stake',
    when: [
      { partition: ['ap'], semantics: ['idempotent'], valueAtRisk: ['high'] },
      { partition: ['ap'], semantics: ['idempotent'], conflicts: ['frequent'] },
      { partition: ['ap'], semantics: ['idempotent'], irreversible: ['behind-pivot'] },
    ],
    offer: { partition: 'cp-ap-fallback' },
    reason:
      'decisions that are made alone may be overruled afterwards: too dear, too frequent or impossible to undo here, so agree while it is possible',
    source: 'Richardson, "Microservices Patterns", 4.3.2 (by value); SRE book, ch. 21 (10 % of repeated work)',
  },
  {
    id: 'quorum-too-slow',
    when: [
      { quorum: ['too-slow'], speed: ['below-50ms'] },
      { quorum: ['too-slow'], semantics: ['total-order'] },
      { quorum: ['too-slow'], partition: ['cp'], semantics: ['idempotent'] },
      { quorum: ['too-slow'], semantics: ['idempotent'], valueAtRisk: ['high'] },
      { quorum: ['too-slow'], semantics: ['idempotent'], conflicts: ['frequent'] },
      { quorum: ['too-slow'], semantics: ['idempotent'], irreversible: ['behind-pivot'] },
    ],
    offer: { sla: 'quorum' },
    reason: 'agreement costs at least one write that a quorum acknowledges, and that alone takes longer than the SLA',
    source: 'the fact quorumP99, measured by makegood advise --measure',
  },
  {
    id: 'in-a-hurry',
    when: [{ speed: ['below-50ms'] }],
    consistency: 'cp-cached',
    reason:
      'an SLA below 50 ms leaves no time for reads from afar: agreement, with reads from a pre-warmed local cache',
    source: "the trunk's first question",
  },
  {
    id: 'causal-dependence',
    when: [{ semantics: ['causal'] }],
    consistency: 'causal',
    reason: 'effects must follow their causes: a hybrid logical clock, vector clocks, and delivery in causal order',
    source: "the trunk's second question",
  },
  {
    id: 'one-order',
    when: [{ semantics: ['total-order'] }],
    consistency: 'cp-cached',
    reason: 'one order that all agree on needs one place that makes it: agreement, whatever the time',
    source: 'Schneider, "Implementing Fault-Tolerant Services", ACM Computing Surveys 22(4), 1990',
  },
  {
    id: 'refuse-rather-than-disagree',
    when: [{ partition: ['cp'] }],
    consistency: 'cp-cached',
    reason: 'asked to refuse rather than to disagree: agreement, although the SLA would leave time to mend',
    source: 'Gilbert, Lynch, SIGACT News 33(2), 2002',
  },
  {
    id: 'high-value',
    when: [{ valueAtRisk: ['high'] }],
    consistency: 'cp-cached',
    reason: 'what is dear is worth the wait of agreement',
    source: 'Richardson, "Microservices Patterns", 4.3.2 (by value)',
  },
  {
    id: 'frequent-conflicts',
    when: [{ conflicts: ['frequent'] }],
    consistency: 'cp-cached',
    reason: 'where every tenth decision meets another, undoing costs more than agreeing first',
    source: 'SRE book, ch. 21: more than 10 % of repeated work is what a retry budget forbids',
  },
  {
    id: 'cannot-be-undone',
    when: [{ irreversible: ['behind-pivot'] }],
    consistency: 'cp-cached',
    reason: 'a step that cannot be undone is not made on a decision that may be overruled',
    source: 'Garcia-Molina, Salem, SIGMOD 1987',
  },
  {
    id: 'mend-afterwards',
    when: [{}],
    consistency: 'ap-compensated',
    reason: 'nothing forbids to answer at once: parts decide on their own, and compensate what is overruled',
    source: 'the trunk\'s last leaf; Helland, "Life beyond Distributed Transactions", CIDR 2007',
  },
] as const;
