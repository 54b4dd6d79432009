import type { RefusedError } from '../policy/refused-error.ts';

/** What a call to a participant asks for: the effect, its undoing, or to know whether it took place. */
export type RemotePhase = 'action' | 'compensation' | 'status';

/** One call to a participant, complete: who makes it adds nothing to what is sent. */
export interface RemoteCall {
  readonly url: string;
  /** `POST` unless the step says otherwise. */
  readonly method: string;
  /** Everything to send, those of the protocol included; names as they are written, each once. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
  readonly sagaId: string;
  readonly step: string;
  readonly phase: RemotePhase;
  /** 1 for the first; asking again after "in progress" keeps it. */
  readonly attempt: number;
  /** Whether it only asks again after "in progress". */
  readonly isPoll: boolean;
  readonly epoch: number;
  /** Equal on every attempt. */
  readonly idempotencyKey: string;
  /** How long the call may take, in milliseconds. */
  readonly remainingMs: number;
  /** Aborts when that time is over; the deadline rides on it. */
  readonly signal: AbortSignal;
}

/** Why a body could not be read to its end: longer than is read, broken off, or not UTF-8. */
export type BodyFault = 'too-long' | 'cut-off' | 'not-text';

/** What became of a call, as data. */
export type RemoteAnswer =
  /** The participant answered, whatever the status. `body` is what could be read of it. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** By lower-case name. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly bodyFault?: BodyFault | undefined;
    }
  /** Not a byte of the request left: refused, no such name, no TLS. Nothing can have happened. */
  | { readonly kind: 'not-sent'; readonly error: unknown }
  /** The target is not one that may be called. Nothing was sent, and nothing will be. */
  | { readonly kind: 'forbidden'; readonly error: unknown }
  /** A guard did not let the call in: it was not made, and is due again when the guard says. */
  | { readonly kind: 'refused'; readonly error: RefusedError }
  /** Sent, at least in part, and no answer came: the effect is unknown, and the request may still be on its way. */
  | { readonly kind: 'lost'; readonly reason: 'timeout' | 'reset'; readonly error: unknown };

/**
 * Makes calls to participants over HTTP.
 *
 * An implementer keeps: `call` always resolves, by the time its signal has aborted at the latest. `not-sent` is said only
 * when no byte of the request was written to a connection. Redirects are not followed. No body is read beyond 1 MiB. It
 * does not try again by itself: that is the saga's, whose journal counts attempts.
 */
export interface RemoteCaller {
  call(call: RemoteCall): Promise<RemoteAnswer>;
  /**
   * Throws when calls to this URL would be refused whatever its name resolves to, so that a saga with such a step is
   * refused before it begins.
   *
   * @throws {EgressError} that says why.
   */
  check(url: string): void;
}
