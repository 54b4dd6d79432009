// A bucket of tokens, kept as one number: when it will be full again. Each token taken moves that moment one interval
// away; as many intervals as lie between now and then are missing. There is nothing to refill, and no rounding errors
// pile up (the "virtual scheduling" form of the generic cell rate algorithm, ITU-T I.371, annex A).

/** What clocks and divisions may be off by: far less than anybody waits, far more than rounding makes of an hour. */
const toleranceMs = 1e-6;

/** When the next token can be taken. */
export function nextTokenMs(fullAtMs: number, intervalMs: number, burst: number): number {
  return fullAtMs - (burst - 1) * intervalMs;
}

/** Whether a token that can be taken from `dueMs` on can be taken now. */
export function isDue(dueMs: number, nowMs: number): boolean {
  return dueMs <= nowMs + toleranceMs;
}

/** When the bucket will be full again, after a token is taken now. */
export function afterTaking(fullAtMs: number, nowMs: number, intervalMs: number): number {
  return Math.max(fullAtMs, nowMs) + intervalMs;
}

/** Tokens in the bucket now; may have a fraction, and is negative while tokens are promised. */
export function tokensAt(fullAtMs: number, nowMs: number, intervalMs: number, burst: number): number {
  return burst - Math.max(0, fullAtMs - nowMs) / intervalMs;
}
