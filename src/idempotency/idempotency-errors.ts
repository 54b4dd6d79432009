import { MakegoodError } from '../errors.ts';

/**
 * Somebody else is doing this work and the wait for it was over, or none was wanted. Nothing was run by this call.
 *
 * @example
 * new InProgressError('order-1/charge', { retryAfterMs: 400 }).retryAfterMs // => 400
 */
export class InProgressError extends MakegoodError {
  readonly key: string;
  /** When to ask again, in milliseconds: what is left of the other's lease. */
  readonly retryAfterMs: number;

  constructor(key: string, facts: { readonly retryAfterMs: number }) {
    const { retryAfterMs } = facts;
    super('MAKEGOOD_IN_PROGRESS', `"${key}" is in progress elsewhere; ask again in ${Math.ceil(retryAfterMs)} ms`);
    this.key = key;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The key stands for another request: its fingerprint differs. Nothing was run. */
export class KeyReusedError extends MakegoodError {
  readonly key: string;

  constructor(key: string) {
    super('MAKEGOOD_KEY_REUSED', `"${key}" was used for another request; use a new key for a new request`);
    this.key = key;
  }
}

/**
 * The lease ended and another may have taken the key over, so this run's result was not stored. Also the reason of the
 * signal that the run was given.
 */
export class LeaseLostError extends MakegoodError {
  readonly key: string;
  /** The fencing token that counts no more. */
  readonly token: number;

  constructor(key: string, token: number, options?: ErrorOptions) {
    const what = `the lease of "${key}" (token ${token}) was lost; its result was not stored`;
    super('MAKEGOOD_LEASE_LOST', `${what}. Ask again for the result of whoever took over`, options);
    this.key = key;
    this.token = token;
  }
}

/** The work was done, once, but its result could not be kept: no JSON, or too large. It is not done again. */
export class ResultUnavailableError extends MakegoodError {
  readonly key: string;

  constructor(key: string, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_RESULT_UNAVAILABLE', `"${key}" is done, but its result was not kept: ${why}`, options);
    this.key = key;
  }
}

/** The store is full of keys that have not expired. It forgets none of them, so it takes no new one. */
export class StoreFullError extends MakegoodError {
  constructor(what: string) {
    super('MAKEGOOD_STORE_FULL', `${what}; raise the bound, or shorten the ttl`);
  }
}
