import { fact } from '../predicate/error-facts.ts';

/**
 * What a server that answered with a failure asked us to wait, read off an error.
 *
 * Looked for in this order, on the error and then on its causes: `retryAfterMs` (a number, as makegood's own errors say
 * it), then the `Retry-After` header of `headers` or `response.headers`, which may be a `Headers` object, a `Map` or a
 * plain object with names in any case.
 *
 * @param error whatever was thrown.
 * @param now wall-clock time in ms since 1970, which a `Retry-After` that is a date is measured against when the answer
 *   has no `Date` header of its own. Without either, a date is not understood.
 * @returns milliseconds, finite and 0 or more; `undefined` when nothing was asked, or nothing that can be read.
 * @see RFC 9110 §10.2.3 "Retry-After": seconds, or a date.
 * @example
 * retryAfterMs({ status: 503, headers: { 'Retry-After': '60' } }) // => 60000
 */
export function retryAfterMs(error: unknown, now?: number): number | undefined {
  let candidate = error;
  for (let depth = 0; depth < maxDepth && typeof candidate === 'object' && candidate !== null; depth++) {
    const askedMs = ownRetryAfterMs(candidate, now);
    if (askedMs !== undefined) return askedMs;
    candidate = fact(candidate, 'cause');
  }
  return undefined;
}

// Deeper than anyone wraps an error, and an end to causes that run in a circle.
const maxDepth = 10;
const secondsPattern = /^\d{1,10}$/;

function ownRetryAfterMs(error: object, now: number | undefined): number | undefined {
  const own = fact(error, 'retryAfterMs');
  if (typeof own === 'number' && own >= 0 && own < Infinity) return own;
  for (const headers of [fact(error, 'headers'), fact(fact(error, 'response'), 'headers')]) {
    const value = header(headers, 'retry-after');
    if (value === undefined) continue;
    if (secondsPattern.test(value)) return Number(value) * 1000;
    // The server's own clock, when it told it, makes the date a span that does not depend on how wrong ours is.
    const sentAt = readDate(header(headers, 'date')) ?? now;
    const dueAt = readDate(value);
    if (dueAt !== undefined && sentAt !== undefined) return Math.max(0, dueAt - sentAt);
  }
  return undefined;
}

function readDate(text: string | undefined): number | undefined {
  // An HTTP date begins with the name of a day. Date.parse alone would make a year of "-5" and a date of "1.5".
  if (text === undefined || !/^[A-Za-z]/.test(text)) return undefined;
  // Its asctime form has no zone and means GMT, where Date.parse would take ours.
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}

function header(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value = lookUp(headers, name);
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' || typeof first === 'number' ? String(first).trim() : undefined;
}

function lookUp(headers: object, name: string): unknown {
  const get = fact(headers, 'get');
  if (typeof get === 'function') {
    try {
      const found: unknown = Reflect.apply(get, headers, [name]);
      if (found !== undefined && found !== null) return found;
    } catch {
      return undefined;
    }
  }
  const key = Object.keys(headers).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : fact(headers, key);
}
