import type { Clock } from '../ports/clock.ts';
import type { JsonValue } from '../saga/json-value.ts';
import type { SagaRecord } from '../saga/record.ts';
import type { SagaState } from '../saga/state.ts';
import type { Journal, PlacedRecord, Position } from './journal.ts';

/**
 * A part of a shared journal, for as long as one coordinator owns it: a journal under an epoch that nobody else has.
 * Closing it gives it to whoever wants it.
 */
export interface ShardJournal extends Journal {
  readonly shard: number;
  /**
   * Whether its owner may still act upon what it knows. An implementer keeps: false before anybody else can own it, by
   * the owner's own clock; what is appended later is refused in any case.
   */
  readonly mayAct: boolean;
}

/** A coordinator that takes part in a shared journal. */
export interface ShardOwner {
  /** A shard is owned here from now on; resolves when its unfinished sagas were taken up. */
  opened(journal: ShardJournal): Promise<void>;
  /** It is not any more: nothing may be done for its sagas, and nothing that is appended will be kept. */
  lost(shard: number, error: unknown): void;
  /** It is to be handed over: resolves when nothing is in hand that should be on record first. */
  rest(shard: number): Promise<void>;
  /** Which of these sagas nobody here drives. */
  unknown(shard: number, sagaIds: readonly string[]): readonly string[];
  /** The first records of sagas of an owned shard that other coordinators have started. */
  placed(shard: number, starts: readonly PlacedRecord[]): void;
  /** Carries out what another coordinator asks of a saga of an owned shard. What it rejects with is told to the asker. */
  asked(sagaId: string, command: JsonValue, asking: Asking): Promise<JsonValue>;
}

/** Something that another coordinator asks. */
export interface Asking {
  /** By what an append says that its records carry it out. */
  readonly id: string;
  /** Its records are there: whoever wrote them died before it could answer, and only the answer is missing. */
  readonly isDone: boolean;
}

/**
 * A journal that several coordinators share. Each saga belongs to a shard by its id, together with the sagas that are
 * steps of it, and each shard has one owner at a time.
 *
 * An implementer keeps: an append under an epoch is never stored once a later epoch of its shard exists, and whoever
 * opens a shard finds all that was stored before; what is placed and asked reaches the owner of the shard, whoever that
 * is and becomes.
 */
export interface SharedJournal extends Journal {
  /** The time of the store, never ahead of it: sagas move from one coordinator to another, and their timers with them. */
  readonly clock: Clock;
  /** Begins to own shards; resolves when those that were free have been taken up, and rejects when that cannot be. */
  join(owner: ShardOwner): Promise<void>;
  shardOf(sagaId: string): number;
  /**
   * Stores the first record of a saga whose shard somebody else owns, or nobody yet.
   *
   * @throws {AppendConflictError} when there is one of this id.
   */
  place(
    sagaId: string,
    records: readonly SagaRecord[],
    options: { readonly allowReuse?: boolean | undefined },
  ): Promise<Position>;
  /**
   * Has something asked of a saga by whoever owns it; resolves with the answer. It is carried out once, also when an owner
   * dies between doing and answering.
   *
   * @throws {OwnerSilentError} when nobody answered in time; it may still be carried out.
   */
  ask(sagaId: string, command: JsonValue): Promise<JsonValue>;
  /** Waits until a saga has ended or waits for a person, whoever drives it. */
  settled(sagaId: string, signal: AbortSignal | undefined): Promise<SagaState>;
}

/** Whether a journal can be shared. */
export function isShared(journal: Journal): journal is SharedJournal {
  return 'join' in journal;
}
