export {
  type RetryBudget,
  retryBudget,
  retryBudgetDefaults,
  type RetryBudgetOptions,
  type RetryBudgetSnapshot,
} from '../guards/retry-budget.ts';
export type { Attempt } from '../policy/attempt.ts';
export {
  decideRetry,
  type FailedAttempt,
  resolveRetryRules,
  type RetryDecision,
  retryDefaults,
  type RetryOptions,
  type RetryRefusal,
  type RetryRules,
} from './decide-retry.ts';
export { retry, type RetryCallOptions } from './retry.ts';
export { retryAfterMs } from './retry-after.ts';
export type { RetriedFunction } from './retry-call.ts';
export type { RetryEvent } from './retry-events.ts';
export { retryPolicy, type RetryPolicy, type RetryPolicyOptions } from './retry-policy.ts';
export { type RetryEndReason, type RetryReport, retryReport } from './retry-report.ts';
export type { RetryLoopOptions } from './retry-settings.ts';
export { namedRetries, type RetryName, type RetryOn, retryRulesFrom, type RetrySpec } from './retry-spec.ts';
