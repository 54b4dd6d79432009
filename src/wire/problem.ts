/** What a refused request is told: `application/problem+json`, with a code that does not change between versions. */

/** The media type of a {@link Problem} (RFC 9457). */
export const problemType = 'application/problem+json';

/** What is wrong, in a word that does not change between versions. */
export type ProblemCode =
  | 'unreadable-json'
  | 'bad-query'
  | 'bad-header'
  | 'unauthenticated'
  | 'forbidden'
  | 'foreign-origin'
  | 'no-such-path'
  | 'saga-not-found'
  | 'no-such-policy'
  | 'method-not-allowed'
  | 'saga-conflict'
  | 'past-pivot'
  | 'not-waiting'
  | 'signal-refused'
  | 'restart-refused'
  | 'renewal-refused'
  | 'saga-archived'
  | 'saga-blocked'
  | 'saga-purged'
  | 'saga-ended'
  | 'saga-unreadable'
  | 'saga-not-ended'
  | 'too-large'
  | 'not-json'
  | 'wrong-host'
  | 'invalid'
  | 'invalid-input'
  | 'unknown-saga'
  | 'unknown-step'
  | 'cycle'
  | 'compensation-missing'
  | 'reserved-header'
  | 'egress-refused'
  | 'too-deep'
  | 'too-many-values'
  | 'duplicate-key'
  | 'reserved-name'
  | 'not-finite'
  | 'lone-surrogate'
  | 'too-many-failures'
  | 'quota-exceeded'
  | 'internal'
  | 'log-unavailable'
  | 'log-full'
  | 'overloaded'
  | 'shutting-down'
  | 'not-ready';

/** Every code of a problem: the HTTP status it comes with, and what it says in general. */
export const problemCodes: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  'unreadable-json': [400, 'The body is not JSON'],
  'bad-query': [400, 'A query parameter is not what it should be'],
  'bad-header': [400, 'A header is not what it should be'],
  unauthenticated: [401, 'A valid credential is needed'],
  forbidden: [403, 'The credential does not allow this'],
  'foreign-origin': [403, 'A page of another origin may not ask this'],
  'no-such-path': [404, 'There is nothing at this path'],
  'saga-not-found': [404, 'There is no such saga'],
  'no-such-policy': [404, 'There is no such saga or step to give a policy'],
  'method-not-allowed': [405, 'The path does not take this method'],
  'saga-conflict': [409, 'The id is taken by another request'],
  'past-pivot': [409, 'The point of no return is, or may be, behind the saga'],
  'not-waiting': [409, 'Nothing waits for this decision'],
  'signal-refused': [409, 'Nothing waits for this signal'],
  'restart-refused': [409, 'The saga cannot be run anew'],
  'renewal-refused': [409, 'The deadline of the saga cannot be extended'],
  'saga-archived': [409, 'The saga is kept elsewhere, or is a step of another, and cannot be deleted'],
  'saga-blocked': [409, 'The definition of the saga is not known here'],
  'saga-unreadable': [409, 'A record of the saga cannot be read'],
  'saga-purged': [410, 'The saga finished long ago and was purged'],
  'saga-ended': [412, 'The saga has ended'],
  'saga-not-ended': [412, 'The saga has not ended'],
  'too-large': [413, 'The body is too large'],
  'not-json': [415, 'The body is not declared as JSON'],
  'wrong-host': [421, 'This server does not answer under that name'],
  invalid: [422, 'The request is not what it should be'],
  'invalid-input': [422, 'The input does not satisfy its schema'],
  'unknown-saga': [422, 'No saga of this name and version is registered'],
  'unknown-step': [422, 'A step names another that is not there'],
  cycle: [422, 'Steps wait for each other in a circle'],
  'compensation-missing': [422, 'A step before the pivot needs a compensation, or readOnly'],
  'reserved-header': [422, 'A header is reserved, or has characters that no header may have'],
  'egress-refused': [422, 'A target is none that may be called'],
  'too-deep': [422, 'The body is nested too deeply'],
  'too-many-values': [422, 'The body has too many values'],
  'duplicate-key': [422, 'An object has a key twice'],
  'reserved-name': [422, 'An object has a key that is not allowed'],
  'not-finite': [422, 'A number is too large to be kept'],
  'lone-surrogate': [422, 'A text is not well-formed Unicode'],
  'too-many-failures': [429, 'Too many failed attempts to authenticate'],
  'quota-exceeded': [429, 'The quota of the namespace is used up'],
  internal: [500, 'The server made a mistake'],
  'log-unavailable': [503, 'The log takes no records; nothing was stored'],
  'log-full': [503, 'The disk of the log is full; nothing was stored'],
  overloaded: [503, 'Too much waits already; nothing was stored'],
  'shutting-down': [503, 'The server is shutting down; nothing was stored'],
  'not-ready': [503, 'The server is not ready'],
};

/** Something that is wrong at a place in a body. */
export interface ProblemIssue {
  /** The place, as a JSON Pointer (RFC 6901): `/steps/0/action/url`. */
  readonly path: string;
  readonly message: string;
}

/** A problem document (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; a client decides by this. */
  readonly code: ProblemCode;
  /** What happened, to which thing, and what to do: for people. */
  readonly detail: string;
  /** What is wrong with a body, and where. */
  readonly errors?: readonly ProblemIssue[];
  /** Of an internal error: the id under which the server's log has the rest. */
  readonly incident?: string;
}

/**
 * The problem of a code.
 *
 * @param detail what happened here, in one sentence.
 * @example
 * problemOf('saga-not-found', 'there is no saga "a"').status // => 404
 */
export function problemOf(
  code: ProblemCode,
  detail: string,
  facts: Pick<Problem, 'errors' | 'incident'> = {},
): Problem {
  const [status, title] = problemCodes[code];
  return { type: 'about:blank', title, status, code, detail, ...facts };
}

/** Thrown to refuse a request with a problem. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Headers of the answer, such as `Allow`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: Pick<Problem, 'errors'> & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
    this.problem = problemOf(code, detail, options.errors === undefined ? {} : { errors: options.errors });
    this.headers = options.headers ?? {};
  }
}
