import { isMakegoodError, MakegoodError, type MakegoodErrorCode } from '../errors.ts';

/**
 * A guard did not let a call in: the function was not called, so nothing has happened and nothing needs undoing. The
 * base of every such error; its `code` tells which kind of guard it was.
 *
 * @example
 * isRefusal(new RefusedError('MAKEGOOD_CIRCUIT_OPEN', 'circuit "payments" is open', { guard: 'payments' })) // => true
 */
export class RefusedError extends MakegoodError {
  /** The name of the guard. */
  readonly guard: string;
  /** When it may be worth asking again, in milliseconds from the refusal; `undefined` where nobody knows. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: MakegoodErrorCode,
    message: string,
    facts: { readonly guard: string; readonly retryAfterMs?: number | undefined },
  ) {
    super(code, message);
    this.guard = facts.guard;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/**
 * Whether a caught value is the refusal of a guard. It says nothing about the callee, which was not called, so no other
 * guard counts it.
 *
 * @example
 * isRefusal(new Error('503')) // => false
 */
export function isRefusal(error: unknown): error is RefusedError {
  return isMakegoodError(error) && 'guard' in error && 'retryAfterMs' in error;
}

/**
 * Makes a refusal without a stack trace. Under overload refusals are what is made most, and a stack costs ten times as much
 * as the rest of one; whoever was refused is where it is caught.
 */
export function withoutStack<Refusal extends RefusedError>(make: () => Refusal): Refusal {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 0;
  } catch {
    // Built-in objects are frozen here, so there is a stack.
    return make();
  }
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
