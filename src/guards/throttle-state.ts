/**
 * The share of calls that an adaptive throttle turns away: none while the callee accepts at least one in `k` of those
 * that want to be made, then more the fewer it accepts, and never so many that less than `floor` of them would pass:
 * without a few calls nobody would learn that it is back.
 *
 * @see Google SRE book, chapter 21 "Handling Overload", "Client-Side Throttling": max(0, (requests − K · accepts) / (requests + 1)).
 */
export function rejectionRatio(requests: number, accepts: number, k: number, floor: number): number {
  return Math.min(1 - floor, Math.max(0, (requests - k * accepts) / (requests + 1)));
}

/** What is left, after this time, of what was seen: each `windowMs` all but 1/e of it is forgotten. */
export function remembered(elapsedMs: number, windowMs: number): number {
  return Math.exp(-Math.max(0, elapsedMs) / windowMs);
}
