import { httpStatusOf } from './error-facts.ts';
import { type Predicate, predicate } from './predicate.ts';

/** An HTTP status, or a class of them. */
export type StatusPattern = number | '1xx' | '2xx' | '3xx' | '4xx' | '5xx';

const statusClassPattern = /^[1-5]xx$/;

/**
 * Holds for errors with one of these HTTP statuses. The status is read from `status`, `statusCode`, `response.status`,
 * `response.statusCode` or `$metadata.httpStatusCode`, of the error itself; wrap it in `causedBy` to look through causes too.
 *
 * @param patterns statuses from 100 to 599, or classes such as `'5xx'`.
 * @throws {RangeError} when a pattern is neither.
 * @example
 * byStatus(429, '5xx')({ response: { status: 503 } }) // => true
 */
export function byStatus(...patterns: readonly StatusPattern[]): Predicate {
  const tests = patterns.map(statusTest);
  return predicate((error) => {
    const status = httpStatusOf(error);
    return status !== undefined && tests.some((test) => test(status));
  });
}

function statusTest(pattern: StatusPattern): (status: number) => boolean {
  if (typeof pattern === 'number' && Number.isInteger(pattern) && pattern >= 100 && pattern <= 599) {
    return (status) => status === pattern;
  }
  if (typeof pattern === 'string' && statusClassPattern.test(pattern)) {
    const hundreds = Number(pattern[0]);
    return (status) => Math.floor(status / 100) === hundreds;
  }
  throw new RangeError(
    `Expected an HTTP status from 100 to 599 or a class such as "5xx", got ${JSON.stringify(pattern)}`,
  );
}
