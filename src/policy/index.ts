export { type AdmissionGuard, type Departure, isAdmissionGuard, refused } from './admission.ts';
export { AdmissionPolicy } from './admission-policy.ts';
export type { Attempt } from './attempt.ts';
export { abortableSignalOf, type Call, callOf, type ExecuteOptions } from './call.ts';
export { compose } from './compose.ts';
export { failureOutcome, type Outcome } from './outcome.ts';
export { type Policy, wrapWith } from './policy.ts';
export { isRefusal, RefusedError } from './refused-error.ts';
