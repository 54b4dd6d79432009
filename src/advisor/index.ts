export { type Advice, type AdviceDetails, advise, type PathStep, type ReadableSla, type Reason } from './advise.ts';
export type { Advise, Decision, Fallback } from './advise-type.ts';
export type { Budget } from './budget.ts';
export { factDefaults, type Facts, type Latency, type PartitionFact, type SemanticsFact } from './facts.ts';
export type { ModeConfig } from './mode-config.ts';
export type { Refusal } from './refusal.ts';
export { type Consistency, type Mode, type Rule, type RuleOffer, rules } from './rules.ts';
export { parseSla, type Quantile, type Sla, SlaSyntaxError } from './sla.ts';
export type { ParseSla, ReadSla, SlaFault } from './sla-type.ts';
