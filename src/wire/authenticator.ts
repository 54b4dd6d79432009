import type { Right } from './rights.ts';

/** Who asks, and what that one may do. */
export interface Principal {
  /** Kept as the actor of every decision. */
  readonly name: string;
  readonly rights: ReadonlySet<Right>;
  /** The one whose sagas it may see and touch, and no others. Default: all there are. */
  readonly namespace?: string | undefined;
}

/** Where a request comes from, as the listener knows it. */
export interface Peer {
  /** Its address; `''` where nobody knows. */
  readonly address: string;
  /** SHA-256 of its certificate, in hexadecimal, when it showed one that was verified. */
  readonly certificate?: string | undefined;
}

/** What an authenticator says of a request. */
export type Authentication =
  | { readonly principal: Principal }
  /** No credential, or none that is valid. */
  | { readonly refused: 'unauthenticated' }
  /** Too many failures of late: not even looked at. */
  | { readonly refused: 'too-many-failures'; readonly retryAfterMs: number };

/**
 * Finds out who asks.
 *
 * An implementer keeps: a secret is compared in a time that does not tell how much of it was right; who gives none and who
 * gives a wrong one are told the same.
 */
export interface Authenticator {
  authenticate(headers: Headers, peer: Peer): Authentication;
}
