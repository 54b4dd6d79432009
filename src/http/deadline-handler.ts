import { isMakegoodError } from '../errors.ts';
import { isAbort, isTimeout } from '../predicate/abort.ts';
import { effectHeader } from './makegood-headers.ts';
import { requestSignal, type RequestSignalOptions } from './request-signal.ts';

/** Why a request was not served in time: `deadline-expired` before the work began, `deadline-exceeded` during it. */
export type DeadlineProblemCode = 'deadline-expired' | 'deadline-exceeded';

/** An answer as plain data, for whatever sends it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A problem document (RFC 9457) as JSON, with a stable `code`. */
  readonly body: string;
}

const problems: Readonly<
  Record<
    DeadlineProblemCode,
    Pick<ProblemAnswer, 'status' | 'headers'> & { readonly [key in 'title' | 'detail']: string }
  >
> = {
  // 503, and not 504: nothing was done, which 504 leaves open. An attempt that waited too long in a queue may be repeated.
  'deadline-expired': {
    status: 503,
    title: 'Service Unavailable',
    detail: 'The time the caller gave was over before the work began. Nothing was done.',
    headers: { [effectHeader]: 'none' },
  },
  'deadline-exceeded': {
    status: 504,
    title: 'Gateway Timeout',
    detail: 'The time the caller gave was over before the work was done. It may have been carried out in part.',
    headers: {},
  },
};

/**
 * The answer to a request that was not served in time, as plain data: 503 with `Makegood-Effect: none` for one that was
 * refused before the work began, 504 for one whose work was ended, so that its outcome is unknown.
 *
 * @example
 * deadlineProblem('deadline-expired').status // => 503
 */
export function deadlineProblem(code: DeadlineProblemCode): ProblemAnswer {
  const { status, title, detail, headers } = problems[code];
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail });
  return { status, headers: { 'Content-Type': 'application/problem+json', ...headers }, body };
}

/** Serves a request; `signal` has the caller's deadline on it. */
export type DeadlineRequestHandler = (
  request: Request,
  context: { readonly signal: AbortSignal },
) => Response | PromiseLike<Response>;

/**
 * Puts the caller's deadline around a handler of web-standard requests. A request whose time is over already is refused
 * with 503, without calling the handler; one whose work the deadline ends is answered 504. See {@link deadlineProblem}.
 *
 * Other errors pass through untouched. The deadline covers the work until there is a `Response`; the body it goes on to
 * send is under the request's own signal.
 *
 * @param handler is handed the request and `{ signal }`. Pass the signal on: to `retryingFetch`, a database, `retry`.
 * @param options as of {@link requestSignal}.
 * @returns a handler; rejects with the reason when the caller has gone before the work began.
 * @throws {TypeError} at once, when `handler` is no function.
 * @example
 * const handler = deadlineHandler((_request, { signal }) => new Response(remainingMs(signal) > 1000 ? 'long' : 'short'));
 * const answer = await handler(new Request('http://shop.example', { headers: { 'Makegood-Deadline': '900' } }));
 * await answer.text() // => 'short'
 */
export function deadlineHandler(
  handler: DeadlineRequestHandler,
  options: RequestSignalOptions = {},
): (request: Request) => Promise<Response> {
  if (typeof handler !== 'function') throw new TypeError(`Expected handler to be a function, got ${typeof handler}`);
  // Wrong options are found now and not by the first request.
  requestSignal({ headers: {} }, options)[Symbol.dispose]();
  return async (request) => {
    using signal = requestSignal(request, options);
    if (isTimeUp(signal)) return responseOf('deadline-expired');
    signal.throwIfAborted();
    try {
      return await handler(request, { signal });
    } catch (error) {
      // Only what the deadline itself has caused: a mistake that shows after it is still a mistake.
      if (isTimeUp(signal) && (error === signal.reason || isTimeout(error) || isAbort(error))) {
        return responseOf('deadline-exceeded');
      }
      throw error;
    }
  };
}

function isTimeUp(signal: AbortSignal): boolean {
  return signal.aborted && isMakegoodError(signal.reason, 'MAKEGOOD_DEADLINE_EXCEEDED');
}

function responseOf(code: DeadlineProblemCode): Response {
  const { status, headers, body } = deadlineProblem(code);
  return new Response(body, { status, headers });
}
