export type { Attempt } from './attempt.ts';
export { abortableSignalOf, type Call, callOf, type ExecuteOptions } from './call.ts';
export { failureOutcome, type Outcome } from './outcome.ts';
export { compose, type Policy, wrapWith } from './policy.ts';
