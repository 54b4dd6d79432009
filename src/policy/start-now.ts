import type { Call } from './call.ts';

/**
 * Calls a function of a policy's user and makes a promise of whatever comes of it: one of the platform is passed on as it
 * is, a value or a foreign thenable becomes one, and what is thrown at once is a rejection.
 */
export function startNow<Result, Given extends Call>(
  fn: (call: Given) => Result | PromiseLike<Result>,
  call: Given,
): Promise<Result> {
  try {
    return Promise.resolve(fn(call));
  } catch (error) {
    return Promise.reject(error);
  }
}
