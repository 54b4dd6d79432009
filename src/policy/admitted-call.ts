import type { AdmissionGuard } from './admission.ts';
import { abortableSignalOf, type Call, callOf, type ExecuteOptions } from './call.ts';
import { failureOutcome } from './outcome.ts';
import { rejectSoon } from './reject-soon.ts';
import { startNow } from './start-now.ts';

type CalledFunction<Result> = (call: Call) => Result | PromiseLike<Result>;

/** `Policy.execute` of an admission guard by itself: enters, calls, and leaves with what came of it. */
export function executeAdmitted<Result>(
  guard: AdmissionGuard,
  fn: CalledFunction<Result>,
  options: ExecuteOptions | undefined,
): Promise<Result> {
  const ticket = guard.enter(options);
  if (typeof ticket !== 'number') return callLate(guard, ticket, fn, options);
  return ticket < 0 ? rejectSoon(guard.refusal()) : callAdmitted(guard, ticket, fn, options);
}

function callAdmitted<Result>(
  guard: AdmissionGuard,
  ticket: number,
  fn: CalledFunction<Result>,
  options: ExecuteOptions | undefined,
): Promise<Result> {
  const call = callOf(options);
  return startNow(fn, call).then(
    (result) => {
      guard.leave(ticket, 'success');
      return result;
    },
    (error: unknown) => {
      guard.leave(ticket, failureOutcome(abortableSignalOf(call), error), error);
      throw error;
    },
  );
}

async function callLate<Result>(
  guard: AdmissionGuard,
  waiting: Promise<number>,
  fn: CalledFunction<Result>,
  options: ExecuteOptions | undefined,
): Promise<Result> {
  const ticket = await waiting;
  const signal = abortableSignalOf(options);
  if (signal?.aborted === true) {
    // Between the moment a place was handed over and this one the caller has left.
    guard.leave(ticket, 'unused');
    throw signal.reason;
  }
  return callAdmitted(guard, ticket, fn, options);
}
