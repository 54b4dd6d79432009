import { constant } from 'makegood/backoff';
import { type Fetch, retryingFetch, type RetryingFetchOptions } from 'makegood/http';
import { testClock } from 'makegood/testing';

export const url = 'https://shop.example/orders/7?token=secret';

/** A status, an answer, what is thrown, or a function that makes the answer. */
export type Answer = number | Response | Error | ((request: Request) => Response | Promise<Response>);

/** A server that gives these answers in turn, the last one again and again; it keeps the requests it saw. */
export function fetchWorld(answers: readonly Answer[], options: RetryingFetchOptions = {}) {
  const clock = testClock();
  const seen: Request[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    seen.push(request);
    const answer = answers[Math.min(seen.length, answers.length) - 1] as Answer;
    if (answer instanceof Error) throw answer;
    if (typeof answer === 'function') return await answer(request);
    return typeof answer === 'number' ? new Response('body', { status: answer }) : answer;
  };
  const retrying = retryingFetch({ fetch, clock, backoff: constant(100), ...options });
  /** Makes the call and lets all the time pass that it takes. */
  const call: Fetch = async (input, init) => {
    const answer = retrying(input, init);
    answer.catch(() => {});
    await clock.runAll();
    return await answer;
  };
  return { clock, seen, fetch: retrying, call };
}

/** What Node's fetch rejects with when nobody listens. */
export const refused = (): Error => new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } });
