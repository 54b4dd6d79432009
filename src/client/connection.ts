import { retryingFetch } from '../http/retrying-fetch.ts';
import { type Fetch, systemFetch } from '../ports/http.ts';
import { constant } from '../backoff/constant.ts';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { Problem } from '../wire/problem.ts';
import { ServerRefusedError, ServerUnreachableError } from './client-errors.ts';

/** Options of {@link makegoodClient}. */
export interface ClientOptions {
  /** Where the server is: `http://127.0.0.1:7788`. Default the page's own origin; elsewhere it must be given. */
  readonly url?: string;
  /** A bearer token. Default none. */
  readonly token?: string;
  /** What sends the requests. Default the platform's `fetch`. */
  readonly fetch?: Fetch;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
}

/** One request. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

function queryOf(query: NonNullable<Ask['query']>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}

/** Requests to one server: credentials, retries where they are safe, and errors that say what happened. */
export class Connection {
  readonly clock: Clock;
  private readonly url: string;
  private readonly token: string | undefined;
  private readonly fetch: Fetch;
  private readonly patient: Fetch;

  constructor({ url = '', token, fetch, clock = systemClock }: ClientOptions) {
    this.url = withoutEnd(url, '/');
    this.token = token;
    this.clock = clock;
    const own = fetch === undefined ? {} : { fetch };
    this.patient = retryingFetch({ ...own, sendHeaders: false, backoff: constant('200ms'), maxAttempts: 3 });
    this.fetch = fetch ?? systemFetch;
  }

  /** Asks, and reads the answer; an answer without a body gives `undefined`. */
  async ask(ask: Ask): Promise<{ readonly status: number; readonly value: unknown }> {
    const answer = await this.send(ask, this.patient);
    const text = await answer.text().catch((error: unknown) => {
      throw this.unreachable('its answer broke off', error);
    });
    if (!answer.ok) throw this.refused(answer, text);
    return { status: answer.status, value: this.parsed(text) };
  }

  /** Opens a stream; it is the reader's to begin again when it breaks. */
  async stream(ask: Ask): Promise<ReadableStream<Uint8Array>> {
    const answer = await this.send({ ...ask, headers: { accept: 'text/event-stream', ...ask.headers } }, this.fetch);
    if (!answer.ok) throw this.refused(answer, await answer.text());
    if (answer.body === null) throw this.unreachable('its answer has no body');
    return answer.body;
  }

  private async send({ method, path, query = {}, body, headers, signal }: Ask, fetch: Fetch): Promise<Response> {
    const own: Record<string, string> = { 'x-makegood': '1', ...headers };
    if (this.token !== undefined) own['authorization'] = `Bearer ${this.token}`;
    if (body !== undefined) own['content-type'] = 'application/json';
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    try {
      const init = { method, headers: own, ...json, ...(signal === undefined ? {} : { signal }) };
      return await fetch(`${this.url}${path}${queryOf(query)}`, init);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.unreachable(causeOf(error), error);
    }
  }

  private parsed(text: string): unknown {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.unreachable('what answers is no server of ours', error);
    }
  }

  private refused(answer: Response, text: string): Error {
    const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true;
    if (!isProblem) return this.unreachable(`what answers is no server of ours: ${answer.status}`);
    const problem = this.parsed(text);
    return isProblemBody(problem)
      ? new ServerRefusedError(problem)
      : this.unreachable('what answers is no server of ours');
  }

  private unreachable(why: string, cause?: unknown): ServerUnreachableError {
    return new ServerUnreachableError(this.url, why, cause === undefined ? {} : { cause });
  }
}

/** Whether a problem says what ours say: what stands between may speak of problems of its own. */
function isProblemBody(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const { code, status, detail } = value as { readonly [Key in keyof Problem]?: unknown };
  return typeof code === 'string' && typeof status === 'number' && typeof detail === 'string';
}

/** `fetch` says "fetch failed" and hides why in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

/** A text without the characters of one kind at its end. A pattern for that would take time by the square of their number. */
function withoutEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}
