export { type AdaptiveThrottle, adaptiveThrottle, ThrottledError } from './adaptive-throttle.ts';
export {
  adaptiveThrottleDefaults,
  type AdaptiveThrottleOptions,
  type AdaptiveThrottleSnapshot,
} from './adaptive-throttle.ts';
export type { CircuitState } from './breaker-state.ts';
export { type Bulkhead, bulkhead, BulkheadFullError, type BulkheadOptions, type BulkheadSnapshot } from './bulkhead.ts';
export { type CircuitBreaker, circuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';
export { circuitBreakerDefaults, type CircuitBreakerSnapshot } from './circuit-breaker.ts';
export { CircuitOpenError } from './circuit-open-error.ts';
export { type CoordinatedGuard, coordinatedGuard, type CoordinatedGuardParts } from './coordinated-guard.ts';
export { countWindow, type CountWindowOptions } from './count-window.ts';
export { fallback, type FallbackEvent, type FallbackFunction } from './fallback.ts';
export type { FallbackOptions, FallbackPolicy } from './fallback.ts';
export type { BreakerEvent, CounterEvent, GuardEvent, QueueEvent, ThrottleEvent } from './guard-events.ts';
export { hedge, type HedgeEvent, HedgeLostError, type HedgeOptions } from './hedge.ts';
export type { ObservedGuardOptions } from './observed-guard.ts';
export { type RateLimiter, rateLimiter, type RateLimiterOptions, type RateLimiterSnapshot } from './rate-limiter.ts';
export { RateLimitedError } from './rate-limiter.ts';
export { type RetryBudget, retryBudget, retryBudgetDefaults } from './retry-budget.ts';
export { type RetryBudgetOptions, type RetryBudgetSnapshot } from './retry-budget.ts';
export { type RetryCounter, retryCounter, type RetryCounterOptions } from './retry-counter.ts';
export { RetryCounterTrippedError } from './retry-counter.ts';
export { timeout, type TimeoutEvent, type TimeoutOptions } from './timeout.ts';
export { timeWindow, type TimeWindowOptions } from './time-window.ts';
export { consecutiveFailures, type FailureTally, type TripRule } from './trip-rule.ts';
