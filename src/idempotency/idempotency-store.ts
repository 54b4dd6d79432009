/**
 * The states of a key:
 *
 *   free ── claim ──► running (token, lease) ── complete ──► done (result) ── ttl ──► free
 *                        │ release: the run failed               ▲
 *                        └──► free                               │
 *                        │ lease over, claim by another          │
 *                        └──► running (higher token) ────────────┘
 *
 * The token fences: whoever comes back after its lease was taken holds an older one and can neither complete, renew nor
 * release.
 */

/** What a claim asks for. */
export interface ClaimRequest {
  /** What the request says, as text to compare; the same key with another one is another request. */
  readonly fingerprint: string;
  /** How long the claim holds without a renewal, in milliseconds. */
  readonly leaseMs: number;
  /** How long a key is remembered after its last change, in milliseconds. */
  readonly ttlMs: number;
}

/** What became of a claim. */
export type Claim =
  /** The key is the caller's until its lease ends. The token is higher than any that this key had before. */
  | { readonly kind: 'claimed'; readonly token: number }
  /** Another holds it, for so much longer unless it renews. */
  | { readonly kind: 'running'; readonly leaseLeftMs: number }
  /** The work is done; the text is what `complete` was given. */
  | { readonly kind: 'done'; readonly result: string }
  /** The key stands for a request with another fingerprint. */
  | { readonly kind: 'other-request' };

/**
 * Where keys are kept.
 *
 * An implementer keeps: of any number of simultaneous claims of a free key exactly one is `claimed`; a token is never given
 * twice and only grows; whether a lease or a key has expired is decided by the store's own clock, in the same atomic
 * step; what resolved survives whatever the store says it survives; a key that is not expired is never forgotten, so a
 * store that is full refuses new keys (`StoreFullError`) and still takes completions.
 */
export interface IdempotencyStore {
  /** Takes the key if it is free, expired or its lease is over; else says what stands there. */
  claim(key: string, request: ClaimRequest): Promise<Claim>;
  /** Makes the lease last `leaseMs` from now; `false` when the key is no longer this token's. */
  renew(key: string, token: number, times: Omit<ClaimRequest, 'fingerprint'>): Promise<boolean>;
  /**
   * Keeps the result for `ttlMs`; `false` when the key is no longer this token's. Repeating it with the same token is
   * `true` again: an answer may have been lost on its way. A lease that is over but was not taken does not matter.
   */
  complete(key: string, token: number, result: string, ttlMs: number): Promise<boolean>;
  /** Frees a key that is running under this token; does nothing otherwise. */
  release(key: string, token: number): Promise<void>;
  /** Takes a free or expired key for `ttlMs`, with nothing to renew or complete; `true` to exactly one. */
  mark(key: string, ttlMs: number): boolean | Promise<boolean>;
}

const longestKey = 512;

/**
 * Checks a key or a fingerprint where it enters.
 *
 * @throws {TypeError} when it is no text, or holds a NUL, which PostgreSQL cannot keep, or half a surrogate pair.
 * @throws {RangeError} when it is longer than 512 characters, or empty where a key is needed.
 * @internal
 */
export function checkText(text: string, what: 'key' | 'fingerprint'): string {
  if (typeof text !== 'string') throw new TypeError(`Expected ${what} to be text, got ${typeof text}`);
  if (text.length > longestKey || (text === '' && what === 'key')) {
    const least = what === 'key' ? 1 : 0;
    throw new RangeError(`Expected ${what} to have ${least} to ${longestKey} characters, got ${text.length}`);
  }
  // Two halves of a pair become the same U+FFFD in UTF-8, and two keys one.
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new TypeError(
      `Expected ${what} to be well-formed text without NUL, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  return text;
}
