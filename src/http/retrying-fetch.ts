import { currentPage, type Fetch } from '../ports/http.ts';
import { FetchCall } from './fetch-call.ts';
import { resolveFetchSettings, type RetryingFetchOptions } from './fetch-settings.ts';
import { readOutgoing } from './outgoing-request.ts';

/**
 * Makes a `fetch` that retries: GET, HEAD, OPTIONS, TRACE and PUT, and any request with an `Idempotency-Key`, which stays
 * the same on every attempt. Others are sent once, under the same time-outs and guards.
 *
 * An attempt fails by a network error, or by an answer of 400 and above that `retryable` holds for: 429, 502, 503 and 504
 * by default. `Retry-After` is a floor under the wait. It ends as `fetch` does: an answer, whatever its status, resolves
 * (when all attempts failed, the last one); a network error rejects, untouched. An abort rejects with the reason, and an
 * expired deadline with a `DeadlineExceededError`. `retryReport` tells the story of a failed answer as well as of an error.
 *
 * Time-outs and the deadline end with the answer's headers; the signal goes on to the end of the body, as always.
 *
 * @param options.fetch what sends the requests. Default the platform's.
 * @param options.retryable which network errors and failed answers ({@link HttpStatusError}) are retried. Default
 *   `isTransient`.
 * @param options.attemptTimeout limit of one attempt. Default none.
 * @param options.deadline limit of the whole call. Default that of the signal.
 * @param options.budget allowance for retries. Default one for each origin.
 * @param options.guards policies around each attempt, or a function from an origin to them. Default none.
 * @throws {TypeError} or {RangeError} at once, when an option is wrong. The function it makes rejects, as `fetch` does.
 * @see RFC 9110 §9.2.2 "Idempotent Methods", §10.2.3 "Retry-After".
 * @example
 * const get = retryingFetch({ fetch: async () => new Response('hello'), attemptTimeout: '2s', deadline: '10s' });
 * await (await get('https://shop.example/orders/7')).text() // => 'hello'
 */
export function retryingFetch(options: RetryingFetchOptions = {}): Fetch {
  const settings = resolveFetchSettings(options);
  return async (input, init) => {
    const request = readOutgoing({ input, init }, currentPage()?.base);
    return await new FetchCall(settings, request).run();
  };
}
