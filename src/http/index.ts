export type { Fetch } from '../ports/http.ts';
export { type RetryingFetchOptions, retryingFetchDefaults } from './fetch-settings.ts';
export { HttpStatusError } from './http-status-error.ts';
export { retryingFetch } from './retrying-fetch.ts';
