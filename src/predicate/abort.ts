import { failureKind } from './failure-kind.ts';
import { type Predicate, predicate } from './predicate.ts';

/**
 * Holds for a cancellation: `AbortError`, Node's ABORT_ERR, undici's UND_ERR_ABORTED, axios' `CanceledError`, gRPC
 * CANCELLED; also as the cause of an error that says nothing itself. An abort whose cause is a time-out is a time-out.
 *
 * A signal aborted with a reason of your own rejects with that reason, which no predicate can know: ask the signal.
 *
 * @example
 * isAbort(AbortSignal.abort().reason) // => true
 */
export const isAbort: Predicate = /* @__PURE__ */ predicate((error) => failureKind(error) === 'abort');

/**
 * Holds when a wait was ended by the clock: `TimeoutError` (of `AbortSignal.timeout`), `DeadlineExceededError`, ETIMEDOUT,
 * undici's time-outs, gRPC DEADLINE_EXCEEDED; also as the cause of an abort, or of an error that says nothing itself.
 * The call may have been carried out all the same. HTTP 504 is an answer, so it is transient but no time-out.
 *
 * @example
 * isTimeout(new DOMException('too late', 'TimeoutError')) // => true
 */
export const isTimeout: Predicate = /* @__PURE__ */ predicate((error) => failureKind(error) === 'timeout');
