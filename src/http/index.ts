export type { Fetch } from '../ports/http.ts';
export {
  deadlineHandler,
  deadlineProblem,
  type DeadlineProblemCode,
  type DeadlineRequestHandler,
  type ProblemAnswer,
} from './deadline-handler.ts';
export { type RetryingFetchOptions, retryingFetchDefaults } from './fetch-settings.ts';
export { HttpStatusError } from './http-status-error.ts';
export {
  type IncomingRequest,
  requestSignal,
  requestSignalDefaults,
  type RequestSignalOptions,
} from './request-signal.ts';
export { retryingFetch } from './retrying-fetch.ts';
