import { MakegoodError, type MakegoodErrorCode } from '../errors.ts';

/** How a call to a participant failed. */
export interface RemoteFailure {
  /** The HTTP status of the answer; `undefined` when there was none. */
  readonly status?: number | undefined;
  /** When the participant wants to be asked again, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** `'none'`: nothing was done, for certain. */
  readonly effect?: 'none' | undefined;
  /** Whether the request may still be on its way, since no answer came. Default `false`. */
  readonly inFlight?: boolean | undefined;
  readonly cause?: unknown;
}

/**
 * A call to a participant that was neither done nor refused for certain. Its code tells the class of the failure:
 * `MAKEGOOD_CALL_NOT_SENT`, `MAKEGOOD_CALL_TIMED_OUT`, `MAKEGOOD_CALL_BROKEN`, or `MAKEGOOD_CALL_ANSWERED` for an answer
 * that says neither (`status` has its status).
 *
 * @example
 * new RemoteCallError('MAKEGOOD_CALL_ANSWERED', 'answered 500', { status: 500 }).status // => 500
 */
export class RemoteCallError extends MakegoodError {
  readonly status: number | undefined;
  /** When the participant wants to be asked again, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** `'none'`: nothing was done, for certain, so there is nothing to undo. */
  readonly effect: 'none' | undefined;
  /** Whether the request may still be on its way: nothing is undone before its settle time. */
  readonly inFlight: boolean;

  constructor(code: MakegoodErrorCode, message: string, failure: RemoteFailure = {}) {
    super(code, message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.status = failure.status;
    this.retryAfterMs = failure.retryAfterMs;
    this.effect = failure.effect;
    this.inFlight = failure.inFlight ?? false;
  }
}

/**
 * A call that the egress policy forbids: its URL, or an address that its name resolves to, is none that may be called.
 * Nothing was sent.
 *
 * @example
 * new EgressError('http://169.254.169.254/', 'it is a link-local address').effect // => 'none'
 */
export class EgressError extends MakegoodError {
  /** The target, without what may be secret in it. */
  readonly target: string;
  readonly effect = 'none' as const;

  constructor(target: string, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_EGRESS_REFUSED', `calls to ${JSON.stringify(target)} are not allowed: ${why}`, options);
    this.target = target;
  }
}

/**
 * Whether a failed call to a participant is worth another attempt: everything but a definite refusal and what the egress
 * policy forbids, or what cannot be sent at all. The default of {@link http} steps, whose participants know a repeated
 * call by its key.
 *
 * @example
 * isRepeatableCall(new RemoteCallError('MAKEGOOD_CALL_ANSWERED', 'answered 404', { status: 404 })) // => true
 */
export function isRepeatableCall(error: unknown): boolean {
  const { code, definite } = (error ?? {}) as { readonly code?: unknown; readonly definite?: unknown };
  return definite !== true && code !== 'MAKEGOOD_EGRESS_REFUSED' && code !== 'MAKEGOOD_CALL_UNSENDABLE';
}
