import { exponential } from '../backoff/exponential.ts';
import { type RetryOptions, type RetryRules, resolveRetryRules } from '../retry/decide-retry.ts';
import type { JsonValue } from '../saga/json-value.ts';
import { checkName } from '../saga/names.ts';
import type { StandardSchema } from '../saga/standard-schema.ts';
import { isDefinite } from '../saga/terminal-error.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { CloudEvent } from './cloud-event.ts';

/** Options of an emitted event. */
export interface EmitOptions {
  /** The version of the entity that it may be applied to; others than that supersede it. */
  readonly expectedVersion?: number;
  /** After this long nobody may react to it any more. Default: no end. */
  readonly expiresIn?: Duration;
  /** Version of the data's form. Default `'1'`. */
  readonly version?: string;
}

/** Emits an event in the reaction's own transaction: it is published if, and only if, that commits. */
export type Emit<Type extends string> = (type: Type, data: unknown, options?: EmitOptions) => void;

/** What a reaction is called with. */
export interface ReactionContext<Transaction, Data, Emits extends string> {
  /** As it was emitted; a retry shows the event it repeats. */
  readonly event: CloudEvent;
  readonly data: Data;
  readonly sagaId: string;
  /** What the business writes through: it commits with the inbox and the outbox, or not at all. */
  readonly transaction: Transaction;
  readonly emit: Emit<Emits>;
  /** From 1; counts failed runs, not deliveries. */
  readonly attempt: number;
  /** Equal on every attempt: for calls to services outside the transaction. */
  readonly idempotencyKey: string;
  /** Aborts after the reaction's `timeout`, and when the reactor stops in a hurry. */
  readonly signal: AbortSignal;
}

/** What undoes a reaction is called with. */
export interface CompensationContext<Transaction, Data, Emits extends string>
  extends ReactionContext<Transaction, Data, Emits> {
  /** What the run has returned. */
  readonly output: JsonValue;
  /** The event because of which it is undone; `event` is the one it had reacted to. */
  readonly because: CloudEvent;
}

/** How a service reacts to an event. */
export interface ReactionOptions<Transaction, Data = JsonValue, Emits extends string = never> {
  /** Does the work. What it returns, as JSON, is kept for `compensate`. */
  readonly run: (context: ReactionContext<Transaction, Data, Emits>) => unknown;
  /** The types of events that it may emit, from `run` and from `compensate`. Default none. */
  readonly emits?: readonly Emits[];
  /** The types of events that undo it. One that comes first keeps it from ever running in that saga. Default none. */
  readonly compensateOn?: string | readonly string[];
  /** Undoes a run. Needed with `compensateOn`. */
  readonly compensate?: (context: CompensationContext<Transaction, Data, Emits>) => unknown;
  /** Default {@link reactionRetryDefaults}: 4 runs, after 1 s, 2 s and 4 s, each at a time of its own. */
  readonly retry?: RetryOptions;
  /** Checks and types the data; data that it refuses are dead-lettered. Default: any JSON. */
  readonly schema?: StandardSchema<Data>;
  /** The versions of the data's form that it understands; events of others wait for one who does. Default `['1']`. */
  readonly versions?: readonly string[];
  /** How long a run may take. Default `'30s'`. */
  readonly timeout?: Duration;
  /** How long an event is held for which `run` throws `NotYetError`. Default `'30s'`. */
  readonly holdFor?: Duration;
  /** The version of the entity, read in the transaction: an event with an older `expectedversion` is passed over. */
  readonly entityVersion?: (
    context: Pick<ReactionContext<Transaction, Data, never>, 'event' | 'data' | 'transaction'>,
  ) => number | Promise<number>;
}

/** {@link ReactionOptions} checked and complete. */
export interface Reaction<Transaction> {
  readonly type: string;
  readonly run: (context: ReactionContext<Transaction, unknown, string>) => unknown;
  readonly compensate: ((context: CompensationContext<Transaction, unknown, string>) => unknown) | undefined;
  readonly emits: ReadonlySet<string>;
  readonly compensateOn: ReadonlySet<string>;
  readonly retry: RetryRules;
  readonly schema: StandardSchema | undefined;
  readonly versions: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly holdForMs: number;
  readonly entityVersion:
    | ((
        context: Pick<ReactionContext<Transaction, unknown, never>, 'event' | 'data' | 'transaction'>,
      ) => number | Promise<number>)
    | undefined;
}

/**
 * How a reaction is retried unless it says otherwise: 4 runs, so 3 retries, after 1 s, 2 s and 4 s, each wait between half
 * and all of that, whatever the error but a definite one. After the last it is dead-lettered.
 */
export const reactionRetryDefaults: RetryOptions = Object.freeze({
  maxAttempts: 4,
  backoff: exponential({ initialDelay: '1s', factor: 2, maxDelay: '1m', jitter: 'equal' }),
  retryable: (error: unknown) => !isDefinite(error),
});

function listOf(value: string | readonly string[] | undefined, what: string): ReadonlySet<string> {
  const list = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  return new Set(list.map((item) => checkName(item, what)));
}

function optionalFunction(value: unknown, what: string): void {
  if (value !== undefined && typeof value !== 'function')
    throw new TypeError(`Expected ${what} to be a function, got ${typeof value}`);
}

/**
 * Checks a reaction, once, where it enters.
 *
 * @throws {TypeError | RangeError} naming the option and the value.
 * @internal
 */
export function resolveReaction<Transaction, Data, Emits extends string>(
  type: string,
  options: ReactionOptions<Transaction, Data, Emits>,
): Reaction<Transaction> {
  const { timeout = '30s', holdFor = '30s', versions = ['1'] } = options;
  const what = `of the reaction to "${checkName(type, 'event type')}"`;
  if (typeof options.run !== 'function')
    throw new TypeError(`Expected run ${what} to be a function, got ${typeof options.run}`);
  optionalFunction(options.compensate, `compensate ${what}`);
  optionalFunction(options.entityVersion, `entityVersion ${what}`);
  const compensateOn = listOf(options.compensateOn, `compensateOn ${what}`);
  if (compensateOn.size > 0 !== (options.compensate !== undefined))
    throw new TypeError(`Expected compensate and compensateOn ${what} to be given together, got only one`);
  if (compensateOn.has(type)) throw new TypeError(`Expected compensateOn ${what} to be other events, got its own`);
  const checked = options as unknown as Reaction<Transaction>;
  return Object.freeze({
    type,
    run: checked.run,
    compensate: checked.compensate,
    emits: listOf(options.emits, `emits ${what}`),
    compensateOn,
    retry: resolveRetryRules({ ...reactionRetryDefaults, ...options.retry }),
    schema: options.schema,
    versions: new Set(versions),
    timeoutMs: toMs(timeout, `timeout ${what}`),
    holdForMs: toMs(holdFor, `holdFor ${what}`),
    entityVersion: checked.entityVersion,
  });
}
