const namePattern = /^[A-Za-z0-9_.~:@-]{1,200}$/;

/**
 * Checks an id or a name of a saga or step: 1 to 200 of `A-Z a-z 0-9 _ . ~ : @ -`, and not `.` or `..`.
 * It travels in URLs, headers, idempotency keys and logs, so nothing that needs quoting is let in.
 *
 * @param value what was given.
 * @param what what it names, for the error: `'saga id'`.
 * @throws {TypeError} when it breaks the rule; the value itself is shown shortened and escaped.
 * @internal
 */
export function checkName(value: string, what: string): string {
  if (typeof value === 'string' && namePattern.test(value) && value !== '.' && value !== '..') return value;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value;
  throw new TypeError(`Expected ${what} to be 1 to 200 of A-Z a-z 0-9 _ . ~ : @ - (and not "." or ".."), got ${shown}`);
}
