import { idempotencyKeyHeader } from './makegood-headers.ts';

/** What fetch is called with. */
export interface FetchArguments {
  readonly input: string | URL | Request;
  readonly init: RequestInit | undefined;
}

/** A request as it was when the call began, apart from its body: what later becomes of the caller's objects is his. */
export interface OutgoingRequest {
  /** In capitals. */
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly signal: AbortSignal | undefined;
  /** The body as it was given; a stream where it was a `Request`'s. */
  readonly body: NonNullable<RequestInit['body']> | undefined;
  /** What every attempt calls fetch with; an attempt adds headers, body and signal. */
  readonly target: string | Request;
  readonly init: RequestInit;
}

/**
 * Reads what fetch is called with, as the constructor of `Request` would, without taking the body.
 *
 * @param base what a relative URL is relative to; undefined where there is no page.
 * @throws {TypeError} when there is no URL, or headers are malformed.
 * @see Fetch standard, "new Request(input, init)".
 */
export function readOutgoing({ input, init = {} }: FetchArguments, base: string | undefined): OutgoingRequest {
  const request = isRequest(input) ? input : undefined;
  const url = new URL(isRequest(input) ? input.url : input, base);
  const signal = init.signal === undefined ? request?.signal : init.signal;
  return {
    method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
    url,
    headers: new Headers(init.headers ?? request?.headers),
    signal: signal ?? undefined,
    body: init.body ?? request?.body ?? undefined,
    target: request ?? url.href,
    init: request === undefined ? { ...init } : { ...referrerOf(request), ...init },
  };
}

/** Asked by shape, since the `Request` of a fetch that was passed in need not be the platform's. */
function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'method' in input && 'url' in input;
}

// Any option at all makes the constructor of `Request` forget the referrer of the one it is given (Fetch, step 13).
function referrerOf({ referrer, referrerPolicy }: Request): RequestInit {
  return { ...(referrer !== undefined && { referrer }), ...(referrerPolicy !== undefined && { referrerPolicy }) };
}

/** Gives the request a key of its own, unless it has one. */
export function giveKey(request: OutgoingRequest, makeKey: (request: OutgoingRequest) => string): void {
  if ((request.headers.get(idempotencyKeyHeader) ?? '') !== '') return;
  const key: unknown = makeKey(request);
  // Visible ASCII: what every server and proxy passes on as it is (RFC 9110 §5.5).
  if (typeof key !== 'string' || !/^[!-~]{1,255}$/.test(key)) {
    throw new RangeError(
      `Expected an idempotency key of 1 to 255 visible ASCII characters, got ${JSON.stringify(key)}`,
    );
  }
  request.headers.set(idempotencyKeyHeader, key);
}
