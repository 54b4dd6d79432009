/** The time the caller still has for this request, in whole milliseconds; see {@link readDeadlineHeader}. */
export const deadlineHeader = 'Makegood-Deadline';

/** Which attempt of the caller this request is, from 1. */
export const attemptHeader = 'Makegood-Attempt';

/** `none` on a failed answer: nothing was done, so there is nothing to undo. */
export const effectHeader = 'Makegood-Effect';

/** The key by which the other side knows a repeated request again (draft-ietf-httpapi-idempotency-key-header). */
export const idempotencyKeyHeader = 'Idempotency-Key';

/** What {@link deadlineHeader} says for so much time; `undefined` when there is no end, and then no header either. */
export function formatDeadlineHeader(remainingMs: number): string | undefined {
  // Rounded down: a callee that believes it has a millisecond more answers nobody.
  return remainingMs < Infinity ? String(Math.max(0, Math.floor(remainingMs))) : undefined;
}

// A number that has more digits than any clock will need is still a number, and means "long".
const deadlinePattern = /^(?<sign>-?)(?<digits>\d{1,100})$/;

/**
 * Reads the time a caller gives. The header comes from outside, so every text has a meaning and none throws: digits are
 * milliseconds, however many; less than nothing is nothing; of several values the smallest counts, as a deadline may only
 * be shortened; anything else (`NaN`, `1e9`, `5s`, empty) says nothing.
 *
 * @param text the header's value; a repeated header is one value with commas (RFC 9110 §5.3).
 * @returns milliseconds, 0 or more and finite; `undefined` when the header says nothing.
 */
export function readDeadlineHeader(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  let shortestMs: number | undefined;
  for (const part of text.split(',')) {
    const { sign, digits = '' } = deadlinePattern.exec(part.trim())?.groups ?? {};
    if (sign === undefined) continue;
    const ms = sign === '-' ? 0 : Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
    shortestMs = shortestMs === undefined ? ms : Math.min(shortestMs, ms);
  }
  return shortestMs;
}
