import { MakegoodError } from '../errors.ts';
import { sameJson } from '../saga/json-value.ts';
import type { CompensationRegistration, SagaFirstDraft } from '../saga/saga-first/saga-first-record.ts';
import type { SagaFirstState, SagaFirstStatus } from '../saga/saga-first/saga-first-state.ts';
import type { Duration } from '../time/duration.ts';

/** How long stores remember closed steps by default: a call that comes again by then gets the result of the first. */
export const sagaFirstRetention: Duration = '30d';

/** A step as the store has it, and the store's own time, ms since 1970: no other clock decides what is due. */
export interface SagaFirstSnapshot {
  readonly state: SagaFirstState;
  readonly now: number;
}

/** What came of a write: `won` tells whether the record is the writer's own; `state` holds in either case. */
export interface SagaFirstWrite extends SagaFirstSnapshot {
  readonly won: boolean;
}

/** Which steps to list. */
export interface SagaFirstFilter {
  readonly statuses: readonly SagaFirstStatus[];
  /** Only steps behind this id. */
  readonly after?: string | undefined;
  /** At most this many. Default 100. */
  readonly limit?: number | undefined;
}

/** A part of a list, ordered by id, and the store's time. */
export interface SagaFirstPage {
  readonly items: readonly SagaFirstState[];
  readonly now: number;
}

/**
 * Where compensations are registered before their operations are sent, and where it is decided what becomes of them.
 *
 * An implementer keeps: a promise resolves only when the record is durable, and survives whatever the store promises to
 * survive, since an operation follows at once; of several writers of one number the first wins, and all are told what
 * holds; records are dropped by age only when the step has been closed for the store's retention; `at` and `now` come from one clock of the store.
 */
export interface SagaFirstStore {
  /**
   * Registers a compensation. Where the same one stands already, tells its state with `won: false`.
   *
   * @throws {SagaFirstConflictError} when another compensation is registered under this id.
   */
  register(id: string, registration: CompensationRegistration): Promise<SagaFirstWrite>;
  /** Writes record `expectedSeq + 1`, unless another was there first or the record cannot follow: then `won` is false. */
  append(id: string, draft: SagaFirstDraft, expectedSeq: number): Promise<SagaFirstWrite>;
  /** @returns `undefined` when nothing is registered under this id. */
  read(id: string): Promise<SagaFirstSnapshot | undefined>;
  list(filter: SagaFirstFilter): Promise<SagaFirstPage>;
  /** Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An id is taken by another compensation; nothing was registered and nothing may be sent. */
export class SagaFirstConflictError extends MakegoodError {
  readonly id: string;

  constructor(id: string, registered: string) {
    super(
      'MAKEGOOD_SAGA_FIRST_CONFLICT',
      `"${id}" is registered with another compensation, "${registered}"; use a new id for a new operation`,
    );
    this.id = id;
  }
}

/** Thrown by every use of a store after `close`. */
export class SagaFirstStoreClosedError extends MakegoodError {
  constructor() {
    super('MAKEGOOD_SAGA_FIRST_STORE_CLOSED', 'the store of saga-first steps is closed; open it anew to use it');
  }
}

/**
 * Refuses a registration that is not the one that stands: for those who write a store.
 *
 * @throws {SagaFirstConflictError}
 * @internal
 */
export function refuseOtherRegistration({ id, registration }: SagaFirstState, other: CompensationRegistration): void {
  const { name, operationKey, args } = registration;
  if (name !== other.name || operationKey !== other.operationKey || !sameJson(args, other.args))
    throw new SagaFirstConflictError(id, name);
}

/**
 * Checks a filter and gives its limit.
 *
 * @throws {RangeError} when the limit is not from 1 to 1,000.
 * @internal
 */
export function limitOf({ limit = 100 }: SagaFirstFilter): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw new RangeError(`Expected limit to be an integer from 1 to 1000, got ${limit}`);
}
