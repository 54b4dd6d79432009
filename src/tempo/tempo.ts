import type { Journal, PlacedRecord, Position, SagaFilter, SagaPage } from '../journal/journal.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import type { RemoteCaller } from '../outbound/remote-caller.ts';
import type { Random } from '../ports/random.ts';
import type { Saga, SagaDefinition } from '../saga/definition.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { SagaView } from '../saga/view.ts';
import type { Duration } from '../time/duration.ts';
import type { Attention } from './attention.ts';
import type { SagaEvent } from './events.ts';
import type { InjectedPolicy, Policies } from './policies.ts';
import type { PlanReader } from './registry.ts';
import type { SagaHandle } from './saga-handle.ts';

/** Options of {@link openTempo}. */
export interface TempoOptions {
  /** Where sagas are kept; Tempo closes it when it is closed. */
  readonly journal: Journal;
  /** The definitions it can drive. */
  readonly sagas: readonly SagaDefinition[];
  /** How many sagas work at the same time; those that wait for a timer do not count. Default 1,000. */
  readonly concurrency?: number;
  /** Retry policies injected from outside, by `saga/step` or `saga/step/compensation`. Default: the definitions' own. */
  readonly policies?: Readonly<Record<string, InjectedPolicy>>;
  /**
   * What protects participants, by `step` or `saga/step`: a breaker, a bulkhead. A call that a guard refuses was not made
   * and costs no attempt. Default none.
   */
  readonly guards?: Readonly<Record<string, Policy>>;
  /** Makes the calls of remote steps, those of `http()`. Default none: then no saga may have such a step. */
  readonly caller?: RemoteCaller;
  /** How often the process may die with one step's action in its hands before a person is asked. Default 2. */
  readonly crashLimit?: number;
  /** How long until a person who has not decided is told again. Default `'1h'`. */
  readonly realertAfter?: Duration;
  /**
   * What to do about unfinished sagas whose definition is here, but without a step that they were started with: `'refuse'`
   * to open, or let them wait (`'block'`). Default `'refuse'`.
   */
  readonly stranded?: 'refuse' | 'block';
  /**
   * Makes definitions of plans, for sagas that are started with a definition of their own (`SagaDefinition.plan`). Default:
   * only the definitions in `sagas` can be started.
   */
  readonly readPlan?: PlanReader;
  /** Told of every record and of the coordinator's own fate. */
  readonly observer?: Observer<SagaEvent>;
  /** Default {@link systemClock}. A journal that is shared brings the time of its store, which all its coordinators go by. */
  readonly clock?: Clock;
  /** Draws jitter; what it drew is kept in the log. Default {@link systemRandom}. */
  readonly random?: Random;
}

/** The defaults of {@link openTempo}. */
export const tempoDefaults: Required<Pick<TempoOptions, 'concurrency' | 'crashLimit' | 'realertAfter' | 'stranded'>> =
  Object.freeze({ concurrency: 1000, crashLimit: 2, realertAfter: '1h', stranded: 'refuse' });

/** What a saga is started with. */
export interface StartOptions<Input> {
  /** Its id and idempotency key: 1 to 200 of `A-Z a-z 0-9 _ . ~ : @ -`. Default: a new random one. */
  readonly id?: string;
  readonly input: Input;
  /** Passed to every handler. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long it may go forward; the shorter of this and the definition's counts. Default: the definition's. */
  readonly deadline?: Duration;
  /**
   * Whether it may take the id of a saga that finished so long ago that all but its id was purged. Participants must have
   * forgotten that one too, or they take the new one's calls for duplicates. Default no: such an id is refused.
   */
  readonly allowReuse?: boolean;
}

/** What is to be different when a saga is run anew. */
export interface RestartAsNewOptions<Input, Output> {
  /** Another version of its definition. Default: the one it was started with. */
  readonly saga?: Saga<Input, Output>;
  /** Default: the input of the run before. */
  readonly input?: Input;
  /** Default: the headers of the run before. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long it may go forward. Default: as long as the run before. */
  readonly deadline?: Duration;
}

/** Which sagas to list. */
export interface SagaListFilter extends Omit<SagaFilter, 'status'> {
  /** `blocked`: unfinished, and their definition is not registered here, or a record of them cannot be read. */
  readonly status?: SagaView['status'] | undefined;
  /** Only unfinished sagas that are at this step: it runs, is being undone, has failed, or waits for a person. */
  readonly step?: string | undefined;
}

/** A part of a list, newest first. */
export interface SagaList extends Omit<SagaPage, 'items'> {
  readonly items: readonly SagaListItem[];
}

/** One line of a list of sagas. */
export interface SagaListItem extends Omit<SagaPage['items'][number], 'status'> {
  readonly status: SagaView['status'];
}

/** Options of {@link Tempo.cancel}. */
export interface CancelOptions {
  /** Why, in the caller's words; kept in the saga's history. Default nothing. */
  readonly reason?: string;
}

/** Options of {@link Tempo.terminate}. */
export interface TerminateOptions extends CancelOptions {
  /** Who did it; kept in the saga's history. Default nobody. */
  readonly by?: string;
}

/** Options of {@link Tempo.delete}. */
export interface DeleteOptions {
  /** Who did it; kept in the saga's history. Default nobody. */
  readonly by?: string;
}

/** A coordinator that is open: accepts sagas and drives them to an end. Made by {@link openTempo}. */
export interface Tempo {
  /**
   * Accepts a saga; durable when it resolves. The same id with the same request gives the saga that exists.
   *
   * @throws {SagaConflictError} when the id is taken by another request.
   * @throws {SagaInputError} when the schema refuses the input.
   * @throws {SagaPurgedError} when the id is that of a saga that was purged.
   * @throws {TempoClosedError} while draining and after close.
   */
  start<Input, Output>(saga: Saga<Input, Output>, options: StartOptions<Input>): Promise<SagaHandle<Output>>;
  /**
   * Runs a saga anew that has ended: as a saga of its own, `id@2`, then `id@3`, whose calls have idempotency keys of their
   * own. Asked twice of the same run it gives the same next run.
   *
   * @throws {RestartRefusedError} when it has not ended, is a step of another, or its definition is not here.
   * @throws {SagaConflictError} when the next run was started with another input or definition.
   * @throws {SagaNotFoundError} when there is none, or it was purged.
   */
  restartAsNew<Input, Output>(id: string, options?: RestartAsNewOptions<Input, Output>): Promise<SagaHandle<Output>>;
  /** A saga as the log has it now; `undefined` when there is none. */
  get(id: string): Promise<SagaView | undefined>;
  /** Sagas, newest first, in pages. */
  list(filter?: SagaListFilter): Promise<SagaList>;
  /** Every record of a saga in order; empty when there is none. */
  history(id: string): Promise<readonly SagaRecord[]>;
  /** As `history`, each record with its position in the journal. */
  placedHistory(id: string): Promise<readonly PlacedRecord[]>;
  /** The records of all sagas behind a position, as far back as the log reaches: {@link Journal.after}. */
  recordsAfter(position: Position): AsyncIterable<PlacedRecord>;
  /**
   * Turns a saga round that has not passed its pivot: actions in flight are told and waited for, then everything is undone.
   * One that is being undone already stays as it is.
   *
   * @throws {PastPivotError} when its point of no return is, or may be, behind it.
   * @throws {SagaEndedError} when it has ended.
   * @throws {SagaNotFoundError} when there is none.
   */
  cancel(id: string, options?: CancelOptions): Promise<SagaView>;
  /**
   * Stops a saga where it stands, whatever it is doing. Nothing is undone; a person looks after the rest.
   *
   * @throws {SagaEndedError} when it has ended.
   * @throws {SagaNotFoundError} when there is none.
   */
  terminate(id: string, options?: TerminateOptions): Promise<SagaView>;
  /**
   * Sends a signal to the step of its name, which waits for it, or will. The same signal again changes nothing.
   *
   * @throws {SignalRefusedError} when no step waits for it, or it has come with another payload, or the saga is being undone.
   * @throws {SagaInputError} when the step's schema refuses the payload.
   * @throws {SagaEndedError} when the saga has ended.
   */
  signal(id: string, name: string, payload?: unknown): Promise<void>;
  /**
   * Lets a saga go forward until `deadline` from now. Only ever extends; a step of another saga no further than that one's.
   *
   * @throws {RenewalRefusedError} when it has no deadline, or an earlier one would come of it, or the saga is being undone.
   * @throws {SagaEndedError} when it has ended.
   * @throws {SagaNotFoundError} when there is none.
   */
  renew(id: string, deadline: Duration): Promise<SagaView>;
  /**
   * Takes a saga that has ended out of sight: it is in no list and is not found any more, and its id stays taken. Its records
   * stay in the journal until their retention is over.
   *
   * @throws {DeletionRefusedError} when it has not ended, is a step of another, or has gone into the archive.
   * @throws {SagaNotFoundError} when there is none.
   */
  delete(id: string, options?: DeleteOptions): Promise<void>;
  /** The ids of the unfinished sagas that this coordinator drives. */
  driven(): Iterable<string>;
  /** What automation has given up, and what a person can decide about it. */
  readonly attention: Attention;
  /** Retry policies given to steps from outside, replaceable at any time. */
  readonly policies: Policies;
  /**
   * Registers another definition, and takes up the sagas that waited for it.
   *
   * @throws {SagaStrandedError} when it lacks a step that an unfinished saga of its name and version was started with.
   */
  register(saga: SagaDefinition): void;
  /**
   * Lets a saga go on under another registered version of its definition, while none of its calls is in flight.
   *
   * @throws {MigrationRefusedError} when something that was begun would be lost, or come too late.
   */
  migrate(id: string, to: SagaDefinition): Promise<SagaView>;
  /** Takes no more work; resolves when every attempt in flight has its outcome on record. What is unfinished is parked. */
  drain(): Promise<void>;
  /** Drains, then closes the journal. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
