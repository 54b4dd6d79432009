export type { AuthorityEntry } from './authority-book.ts';
export {
  type AuthorityOptions,
  type DecisionAuthority,
  type JudgeAnswer,
  type JudgeRequest,
} from './decision-authority.ts';
export { type OpenAuthority, openDecisionAuthority } from './decision-authority.ts';
export type { DecisionStatus, LedgerEntry, LedgerItem } from './ledger-book.ts';
export { type CompensationCall, provisionalLedgerDefaults, type ProvisionalLedgerOptions } from './ledger-options.ts';
export type { DecisionRules, ProvisionalDecision, Ruling, Verdict } from './provisional-decision.ts';
export { LedgerClosedError, ProvisionalFullError } from './provisional-errors.ts';
export type { ProvisionalEvent } from './provisional-events.ts';
export {
  openProvisionalLedger,
  type Proposal,
  type ProvisionalLedger,
  type Reconciliation,
} from './provisional-ledger.ts';
