/**
 * Saga-First Retry: the compensation is durable before the operation, so that whoever finds it can finish.
 *
 * The synchronous channel calls the operation once. A failure that passes goes on in the asynchronous channel: 4 calls in
 * all, after 1 s, 2 s and 4 s, each on record before it is made; then a person takes over. Any other failure is undone.
 */
import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { ErrorTest } from '../predicate/predicate.ts';
import { isTransient } from '../predicate/transient.ts';
import { resolveRetryRules, type RetryOptions } from '../retry/decide-retry.ts';
import { toJsonValue } from '../saga/json-value.ts';
import { compensationRetryDefaults } from '../saga/resolve-step.ts';
import type { CompensationRegistration } from '../saga/saga-first/saga-first-record.ts';
import type { SagaFirstState } from '../saga/saga-first/saga-first-state.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { type Compensations, resolveCompensations } from './compensation.ts';
import { Finisher, type FinisherWorld } from './finisher.ts';
import { Operation, type OperationCall, type OperationRules } from './operation.ts';
import { SagaFirstNeedsHumanError, SagaFirstUndoneError } from './saga-first-errors.ts';
import type { SagaFirstEvent } from './saga-first-events.ts';
import type { SagaFirstSnapshot, SagaFirstStore } from './saga-first-store.ts';

/** Options of {@link sagaFirst}. */
export interface SagaFirstOptions {
  /** Where compensations are registered. It is not closed by the calls. */
  readonly store: SagaFirstStore;
  /** By the names they are registered under; a compensator needs the same ones. */
  readonly compensations: Compensations;
  /**
   * `'synchronous'`: the operation is called once, and any failure is undone at once. `'asynchronous'`: a failure that
   * passes is retried first. Default `'asynchronous'`.
   */
  readonly channel?: 'synchronous' | 'asynchronous';
  /** Which failures pass. Default {@link isTransient}. */
  readonly transient?: ErrorTest;
  /** Calls and waits of the asynchronous channel. Default {@link compensationRetryDefaults}: 4 calls, after 1 s, 2 s, 4 s. */
  readonly retry?: Pick<RetryOptions, 'maxAttempts' | 'backoff'>;
  /** How long one call of an operation may take. Default `'3s'`. */
  readonly timeout?: Duration;
  /** How long a call may still be on its way after its time. 0 when participants refuse late ones. Default `'30s'`. */
  readonly maxFlight?: Duration;
  /** Kept with each registration. Default `'1'`. */
  readonly version?: string;
  /** Default nobody. */
  readonly observer?: Observer<SagaFirstEvent>;
  /** Default {@link systemClock}. */
  readonly clock?: Clock;
  /** Draws jitter. Default {@link systemRandom}. */
  readonly random?: Random;
}

/** Which compensation undoes an operation, and with what. */
export interface CompensationRef {
  readonly name: string;
  /** JSON. Default `null`. */
  readonly args?: unknown;
}

/** Options of one call. */
export interface SagaFirstRunOptions {
  /** Names the operation for ever: `saga/step`, each of `A-Z a-z 0-9 _ . ~ : @ -`. The same id gives the same result. */
  readonly id: string;
  /** Gives up: what was done is undone all the same, and the promise then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Calls under the saga-first protocol, made by {@link sagaFirst}. */
export interface SagaFirst {
  /**
   * Registers the compensation, calls the operation, and resolves with its result only after that is confirmed.
   *
   * @throws {SagaFirstUndoneError} when it failed and is undone.
   * @throws {SagaFirstNeedsHumanError} when automation has given up, on the operation or its undoing.
   * @throws {SagaFirstConflictError} when the id stands for another compensation.
   */
  run<Result>(
    operation: (call: OperationCall) => Result | Promise<Result>,
    compensation: CompensationRef,
    options: SagaFirstRunOptions,
  ): Promise<Result>;
  /** The saga is complete: the compensation can never run again. `false` when the step was not confirmed. */
  release(id: string): Promise<boolean>;
  /** The saga is undone: a confirmed operation too. Resolves when it is, or when it is a person's. */
  undo(id: string): Promise<SagaFirstState>;
}

const idPattern = /^[A-Za-z0-9_.~:@-]+(?:\/[A-Za-z0-9_.~:@-]+)*$/;

function checkId(id: unknown): string {
  if (typeof id === 'string' && id.length <= 400 && idPattern.test(id)) return id;
  throw new TypeError(`Expected id to be words of A-Z a-z 0-9 _ . ~ : @ - joined by /, got ${JSON.stringify(id)}`);
}

class SagaFirstCalls implements SagaFirst {
  private readonly world: FinisherWorld;
  private readonly finisher: Finisher;
  private readonly rules: OperationRules;
  private readonly settleAfterMs: number;
  private readonly version: string;

  constructor(options: SagaFirstOptions) {
    const { store, observer, clock = systemClock, random = systemRandom, channel = 'asynchronous' } = options;
    const { transient = isTransient, timeout = '3s', maxFlight = '30s', version = '1' } = options;
    if (channel !== 'asynchronous' && channel !== 'synchronous')
      throw new TypeError(`Expected channel to be "synchronous" or "asynchronous", got ${JSON.stringify(channel)}`);
    this.world = { store, compensations: resolveCompensations(options.compensations), clock, random, observer };
    this.finisher = new Finisher(this.world);
    const timeoutMs = toMs(timeout, 'timeout');
    const retry = resolveRetryRules({ ...compensationRetryDefaults, ...options.retry });
    this.rules = { timeoutMs, retry, passes: channel === 'synchronous' ? () => false : transient };
    this.settleAfterMs = timeoutMs + toMs(maxFlight, 'maxFlight');
    this.version = version;
  }

  async run<Result>(
    operation: (call: OperationCall) => Result | Promise<Result>,
    compensation: CompensationRef,
    { id, signal }: SagaFirstRunOptions,
  ): Promise<Result> {
    const registration = this.registrationOf(checkId(id), compensation);
    signal?.throwIfAborted();
    const registered = await this.world.store.register(id, registration);
    if (registered.state.status !== 'registered') return this.answer<Result>(registered, undefined, signal);
    const drive = new Operation(this.world, this.rules, operation, signal);
    const { snapshot, error } = await drive.drive(registered, registered.won);
    return this.answer<Result>(snapshot, error, signal);
  }

  async release(id: string): Promise<boolean> {
    const found = await this.world.store.read(id);
    if (found?.state.status !== 'confirmed') return found?.state.status === 'released';
    return (await this.world.store.append(id, { type: 'released' }, found.state.seq)).state.status === 'released';
  }

  async undo(id: string): Promise<SagaFirstState> {
    const found = await this.world.store.read(id);
    if (found === undefined) throw new TypeError(`Expected "${id}" to be registered, got no such step`);
    if (found.state.status !== 'confirmed') return this.finisher.finish(found);
    return this.finisher.finish(
      await this.world.store.append(id, { type: 'triggered', reason: 'saga-aborted' }, found.state.seq),
    );
  }

  private registrationOf(id: string, { name, args = null }: CompensationRef): CompensationRegistration {
    if (!this.world.compensations.has(name)) {
      const known = [...this.world.compensations.keys()].join(', ');
      throw new TypeError(`Expected compensation to be one of ${known}, got ${JSON.stringify(name)}`);
    }
    const { settleAfterMs, version } = this;
    return { name, args: toJsonValue(args, 'args'), operationKey: `${id}/action`, settleAfterMs, version };
  }

  /** Tells the caller what the store says: only that. */
  private async answer<Result>(
    snapshot: SagaFirstSnapshot,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const state = isOver(snapshot.state) ? snapshot.state : await this.finisher.finish(snapshot);
    if (state.status === 'confirmed' || state.status === 'released') return state.result as Result;
    if (signal?.aborted === true && error === signal.reason) throw error;
    if (state.status === 'needs-human') throw new SagaFirstNeedsHumanError(state, error);
    throw new SagaFirstUndoneError(state, error);
  }
}

function isOver({ status }: SagaFirstState): boolean {
  return status !== 'registered' && status !== 'triggered';
}

/**
 * Makes calls whose compensation is registered before they are made, without a coordinator. If the caller dies, a
 * {@link openCompensator} on the same store finishes.
 *
 * @param options.store where compensations are registered, such as `await openWalSagaFirstStore('./compensations')`.
 * @param options.compensations how each kind of operation is undone, by name.
 * @throws {TypeError | RangeError} for options out of range.
 * @example
 * const calls = sagaFirst({
 *   store: memorySagaFirstStore(),
 *   compensations: { refund: { compensate: ({ args }) => `refunded ${JSON.stringify(args)}` } },
 * });
 * const charge = ({ idempotencyKey }: { idempotencyKey: string }) => `charged under ${idempotencyKey}`;
 * await calls.run(charge, { name: 'refund', args: { order: 7 } }, { id: 'order-7/charge' })
 * // => 'charged under order-7/charge/action'
 */
export function sagaFirst(options: SagaFirstOptions): SagaFirst {
  return new SagaFirstCalls(options);
}
