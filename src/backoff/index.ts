export type { Backoff, BackoffContext, DescribedBackoff } from './backoff.ts';
export { backoffFrom } from './backoff-from.ts';
export type {
  BackoffSpec,
  DecorrelatedBackoffSpec,
  ExponentialBackoffSpec,
  FibonacciBackoffSpec,
  FixedBackoffSpec,
  LinearBackoffSpec,
  SequenceBackoffSpec,
} from './backoff-spec.ts';
export { constant, constantDefaults, type ConstantOptions } from './constant.ts';
export { decorrelated, decorrelatedDefaults, type DecorrelatedOptions } from './decorrelated.ts';
export { exponential, exponentialDefaults, type ExponentialOptions } from './exponential.ts';
export { fibonacci, fibonacciDefaults, type FibonacciOptions } from './fibonacci.ts';
export type { Jitter, ProportionalJitter, ScheduleJitter } from './jitter.ts';
export { linear, linearDefaults, type LinearOptions } from './linear.ts';
export { sequence, sequenceDefaults, type SequenceOptions } from './sequence.ts';
