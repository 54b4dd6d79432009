import { fact, grpcStatusOf, httpStatusOf } from '../../predicate/error-facts.ts';

/** What `error.type` is when nothing better is known (OpenTelemetry semantic conventions, "error.type"). */
export const otherType = '_OTHER';

// A code or a class name, not a sentence: an error's text may hold ids and secrets, and has no bound.
const shortName = /^[A-Za-z_][\w.-]{0,63}$/;

/**
 * What kind of error this is, as a word with few values: its HTTP or gRPC status, its code, that of its cause, or the
 * name of its class. Never its message.
 */
export function errorTypeOf(error: unknown): string {
  const own = httpStatusOf(error)?.toString() ?? grpcStatusOf(error) ?? codeOf(error);
  // fetch hides what happened behind "TypeError: fetch failed"; the system's code is on the cause.
  return own ?? codeOf(fact(error, 'cause')) ?? nameOf(error) ?? otherType;
}

function codeOf(error: unknown): string | undefined {
  const code = fact(error, 'code');
  return typeof code === 'string' && (shortName.test(code) || /^[0-9A-Z]{5}$/.test(code)) ? code : undefined;
}

function nameOf(error: unknown): string | undefined {
  const name = fact(error, 'name');
  return typeof name === 'string' && shortName.test(name) ? name : undefined;
}

/** An error's message, for people; `undefined` when it has none. */
export function messageOf(error: unknown): string | undefined {
  const message = fact(error, 'message');
  return typeof message === 'string' ? message : undefined;
}
