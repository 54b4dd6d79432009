export { isAbort, isTimeout } from './abort.ts';
export { byCode, byGrpcStatus, bySqlState } from './by-code.ts';
export { byStatus, type StatusPattern } from './by-status.ts';
export { causedBy, causedByDefaults, type CausedByOptions } from './caused-by.ts';
export {
  type ClassHandlers,
  type Classifier,
  classifier,
  type ClassifierOptions,
  type ClassRule,
} from './classifier.ts';
export type { GrpcStatus } from './error-facts.ts';
export { allOf, anyOf, type ErrorTest, type Predicate, predicate } from './predicate.ts';
export { isTransient } from './transient.ts';
