import { MakegoodError } from '../errors.ts';

/**
 * An answer that counts as a failed attempt, as the retry sees it: the observer's `error`, an entry of a report's
 * `errors`, the `cause` of a `DeadlineExceededError`. {@link retryingFetch} itself does not reject with it but resolves
 * with the last answer, as `fetch` does.
 *
 * @example
 * new HttpStatusError('GET', 'https://shop.example/orders?token=x', new Response('', { status: 503 })).message
 * // => 'GET https://shop.example/orders answered 503'
 */
export class HttpStatusError extends MakegoodError {
  /** The HTTP status of the answer. */
  readonly status: number;
  /** Its headers; a `Retry-After` among them is honoured. */
  readonly headers: Headers;
  /** The answer. Its body is there only if the call ended with it; that of an attempt given up is let go of. */
  readonly response: Response;

  /** @param url the message shows it without its query, which may hold secrets. */
  constructor(method: string, url: string, response: Response) {
    const { status, statusText, headers } = response;
    const words = statusText === '' ? status : `${status} ${statusText}`;
    super('MAKEGOOD_HTTP_STATUS', `${method} ${url.replace(/[?#].*$/s, '')} answered ${words}`);
    this.status = status;
    this.headers = headers;
    this.response = response;
  }
}
