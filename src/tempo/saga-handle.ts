import type { Failure } from '../saga/failure.ts';
import { foldRecords, type SagaState } from '../saga/state.ts';
import type { SagaStatus } from '../saga/status.ts';
import type { SagaRecord } from '../saga/record.ts';
import { SagaCompensatedError, SagaNeedsHumanError, SagaTerminatedError } from './saga-errors.ts';
import type { SagaRun } from './saga-run.ts';
import { isSettled } from './settle-listener.ts';

/** How a saga ended, as data. */
export interface SagaOutcome<Output> {
  /** `completed`, `compensated`, `terminated`, or `needs-human` when automation has given up. */
  readonly status: SagaStatus;
  /** Present when completed. */
  readonly output?: Output;
  /** Why it was undone. */
  readonly reason?: string;
  readonly failure?: Failure;
  /** The words of whoever cancelled or terminated it. */
  readonly cancelReason?: string;
}

/** Options of waiting for a saga. */
export interface WaitOptions {
  /** Ends the wait, not the saga. */
  readonly signal?: AbortSignal | undefined;
}

/** A saga that was accepted: ask it how it ended. */
export interface SagaHandle<Output> {
  readonly id: string;
  /** `false` when a saga with this id and the same request had been accepted before. */
  readonly created: boolean;
  /**
   * The saga's output, once it is completed.
   *
   * @throws {SagaCompensatedError} when it was undone.
   * @throws {SagaTerminatedError} when it was terminated.
   * @throws {SagaNeedsHumanError} when automation has given up on it.
   * @throws {TempoClosedError} when the coordinator was closed before; the saga goes on when it is opened again.
   */
  result(options?: WaitOptions): Promise<Output>;
  /** How the saga ended, as data; waits like `result` and throws only when the wait itself cannot go on. */
  outcome(options?: WaitOptions): Promise<SagaOutcome<Output>>;
}

function outcomeOf<Output>(state: SagaState): SagaOutcome<Output> {
  const { status, output, failure, said: cancelReason } = state;
  if (status === 'completed') return { status, output: output as Output };
  const reason = status === 'terminated' ? status : state.reason;
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(failure === undefined ? {} : { failure }),
    ...(cancelReason === undefined ? {} : { cancelReason }),
  };
}

function outputOf<Output>(id: string, outcome: SagaOutcome<Output>): Output {
  const { status, failure } = outcome;
  if (status === 'completed') return outcome.output as Output;
  if (status === 'needs-human') throw new SagaNeedsHumanError(id, failure);
  if (status === 'terminated') throw new SagaTerminatedError(id, outcome.cancelReason, failure);
  throw new SagaCompensatedError(id, outcome.reason ?? 'failed', failure);
}

/**
 * Waits until a run settles; one listener on the caller's signal, removed when the wait ends.
 *
 * @internal
 */
export function whenSettled(run: SagaRun, signal: AbortSignal | undefined): Promise<SagaState> {
  if (signal === undefined) return new Promise((settled, broken) => run.onSettled({ settled, broken }));
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<SagaState>();
  const abort = (): void => {
    run.forget(listener);
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's own reason, untouched
    reject(signal.reason);
  };
  const done = (): void => signal.removeEventListener('abort', abort);
  signal.addEventListener('abort', abort, { once: true });
  const listener = {
    settled: (state: SagaState) => (done(), resolve(state)),
    broken: (error: unknown) => (done(), reject(error)),
  };
  run.onSettled(listener);
  return promise;
}

/**
 * A handle, and how it waits.
 *
 * @internal
 */
export function handleOf<Output>(
  id: string,
  created: boolean,
  settled: (signal: AbortSignal | undefined) => Promise<SagaState>,
): SagaHandle<Output> {
  const outcome = async (options: WaitOptions = {}): Promise<SagaOutcome<Output>> =>
    outcomeOf(await settled(options.signal));
  const result = async (options: WaitOptions = {}): Promise<Output> =>
    outputOf(id, outcomeOf<Output>(await settled(options.signal)));
  return { id, created, outcome, result };
}

/**
 * The handle of a saga that is being driven.
 *
 * @internal
 */
export function handleOfRun<Output>(run: SagaRun, created: boolean): SagaHandle<Output> {
  return handleOf(run.id, created, (signal) => whenSettled(run, signal));
}

/**
 * The handle of a saga that has ended, from its records.
 *
 * @internal
 */
export function handleOfEnded<Output>(id: string, records: readonly SagaRecord[]): SagaHandle<Output> {
  const state = foldRecords(id, records);
  if (state === undefined || !isSettled(state)) throw new TypeError(`Expected saga "${id}" to have ended`);
  return handleOf(id, false, () => Promise.resolve(state));
}
