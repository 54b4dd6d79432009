export type { CircuitState } from './breaker-state.ts';
export {
  type CircuitBreaker,
  circuitBreaker,
  circuitBreakerDefaults,
  type CircuitBreakerOptions,
  type CircuitBreakerSnapshot,
} from './circuit-breaker.ts';
export { CircuitOpenError } from './circuit-open-error.ts';
export { countWindow, type CountWindowOptions } from './count-window.ts';
export type {
  BreakerClosed,
  BreakerEvent,
  BreakerHalfOpened,
  BreakerOpened,
  GuardEvent,
  GuardFault,
  GuardQueued,
  GuardRefused,
  QueueEvent,
} from './guard-events.ts';
export type { ObservedGuardOptions } from './observed-guard.ts';
export {
  type RetryBudget,
  retryBudget,
  retryBudgetDefaults,
  type RetryBudgetOptions,
  type RetryBudgetSnapshot,
} from './retry-budget.ts';
export { timeout, type TimeoutEvent, type TimeoutOptions } from './timeout.ts';
export { timeWindow, type TimeWindowOptions } from './time-window.ts';
export { consecutiveFailures, type FailureTally, type TripRule } from './trip-rule.ts';
