/**
 * The methods whose requests are retried without more ado. GET, HEAD, OPTIONS and TRACE change nothing (RFC 9110 §9.2.1).
 * A PUT names its resource by the URI, so the same PUT again is the same write (§9.3.4).
 *
 * DELETE is idempotent as well (§9.2.2), but the retry of one that was carried out is told 404, which is a lie to the
 * caller. It, POST, PATCH and methods nobody knows are retried only with an `Idempotency-Key`.
 */
export const repeatableMethods: readonly string[] = Object.freeze(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT']);

/**
 * Whether a request may be made twice: its method says so, or the other side knows it again by its key.
 *
 * @param key the value of `Idempotency-Key`; an empty one is none.
 * @param methods in capitals. Default {@link repeatableMethods}.
 */
export function isRepeatable(
  method: string,
  key: string | null | undefined,
  methods: readonly string[] = repeatableMethods,
): boolean {
  return methods.includes(method) || (typeof key === 'string' && key.trim() !== '');
}
