import type { Clock } from '../ports/clock.ts';
import { withDeadline } from '../time/deadline.ts';
import type { DisposableSignal } from '../time/derived-signal.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { joinSignals } from '../time/join-signals.ts';
import { deadlineHeader, readDeadlineHeader } from './makegood-headers.ts';

/** What a server is asked: a web-standard `Request`, Node's `IncomingMessage`, or anything with such headers. */
export interface IncomingRequest {
  /** `Headers`, or an object of them by name. */
  readonly headers:
    | { get(name: string): string | null }
    | { readonly [name: string]: string | readonly string[] | undefined };
  /** Aborts when the caller has gone; a `Request` has one. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link requestSignal}. */
export interface RequestSignalOptions {
  /** The most time a caller can get, whatever it asks for. Default `'5m'`. */
  readonly maxDeadline?: Duration | undefined;
  /** The time of a caller that asks for none, or in a way nobody can read. Default: no limit. */
  readonly defaultDeadline?: Duration | undefined;
  /** Aborts when the work is no longer wanted. Default the request's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** What measures the time. Default the system's clock. */
  readonly clock?: Clock | undefined;
}

/** Defaults of {@link requestSignal}. */
export const requestSignalDefaults: { readonly maxDeadline: Duration } = Object.freeze({ maxDeadline: '5m' });

/**
 * The signal of a request that is served, with the caller's deadline on it: `remainingMs(signal)` tells the time that is
 * left, calls that are handed the signal inherit it, and it aborts when the time is up or the caller has gone. If there is
 * no time left it has aborted already, and nothing should be done any more.
 *
 * The time is read from `Makegood-Deadline` and believed within bounds: less than nothing is nothing, of several values
 * the smallest counts, none is above `maxDeadline`, and what nobody can read counts as not given. It is counted from this
 * call, so make it when the request arrives: what a network took is lost, but a queue is not.
 *
 * @param options.maxDeadline the most a caller can get. Default `'5m'`.
 * @param options.defaultDeadline the time of a caller that asks for none. Default: no limit.
 * @param options.signal aborts when the work is no longer wanted. Default the request's own.
 * @returns an `AbortSignal`; dispose of it (`using`) when the work is done.
 * @throws {TypeError} or {RangeError} when an option is no duration.
 * @example
 * using signal = requestSignal({ headers: { 'makegood-deadline': '2000' } });
 * remainingMs(signal) > 1000 // => true
 */
export function requestSignal(request: IncomingRequest, options: RequestSignalOptions = {}): DisposableSignal {
  const { maxDeadline = requestSignalDefaults.maxDeadline, defaultDeadline, clock } = options;
  const parent = options.signal ?? request.signal;
  const maxMs = toMs(maxDeadline, 'maxDeadline');
  const defaultMs = defaultDeadline === undefined ? undefined : toMs(defaultDeadline, 'defaultDeadline');
  const asked = readDeadlineHeader(headerOf(request, deadlineHeader));
  const givenMs = asked === undefined ? defaultMs : Math.min(asked, maxMs);
  if (givenMs === undefined) return joinSignals(parent);
  return withDeadline(parent, givenMs, clock === undefined ? {} : { clock });
}

/** All values of a header, with commas between them, as `Headers` gives them. */
function headerOf({ headers }: IncomingRequest, name: string): string | null {
  if (typeof headers.get === 'function') return headers.get(name);
  const wanted = name.toLowerCase();
  const values = Object.entries(headers).filter(([key]) => key.toLowerCase() === wanted);
  return values.length === 0 ? null : values.map(([, value]) => String(value)).join();
}
