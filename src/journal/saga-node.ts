import { IllegalRecordError } from '../saga/legal-records.ts';
import type { SagaRecord } from '../saga/record.ts';
import { applyRecord, type SagaState } from '../saga/state.ts';
import { finishes, type SagaStatus, statusAfter } from '../saga/status.ts';
import type { Position, SagaSummary } from './journal.ts';
import type { Damage } from './unreadable-saga.ts';

/** What is known of every saga; a `SagaState` says all of it. */
export interface SagaFacts extends SagaSummary {
  /** Of the last record. */
  readonly seq: number;
  /** Whether nothing can follow. */
  readonly finished: boolean;
}

/** How far a saga has gone since its last snapshot record, and where that stands. */
export interface SnapshotPace {
  /** Position of the append that carries the last one. */
  readonly position: Position;
  /** How many there were since the last whole one, that one included. */
  readonly count: number;
  /** The state it holds, to find out what changes. */
  readonly state: SagaState;
}

/** One saga at one position of the journal. Immutable: the next append makes a new one. */
export interface SagaNode {
  /** The state of a saga that has not finished; of one that has, the facts alone. */
  readonly saga: SagaState | SagaFacts;
  /** Where its first append stands: its place in the order of creation. */
  readonly birth: Position;
  /** Where its last append stands; each append knows the one before. */
  readonly position: Position;
  readonly snapshot: SnapshotPace | undefined;
  /** Steps that ended, and records, since the snapshot. */
  readonly steps: number;
  readonly records: number;
  /** Of a saga with a record that cannot be read; its state is that before. */
  readonly damage?: Damage;
}

/** The state, of a saga that has one to go on from. */
export function stateOf(node: SagaNode): SagaState | undefined {
  return 'steps' in node.saga ? node.saga : undefined;
}

export function summaryOf({ saga }: SagaNode): SagaSummary {
  const { id, name, version, status, createdAt, updatedAt } = saga;
  return { id, name, version, status, createdAt, updatedAt };
}

/** The facts alone, so that what a finished saga had in hand can be forgotten. */
export function factsOf({ id, name, version, status, createdAt, updatedAt, seq, finished }: SagaFacts): SagaFacts {
  return { id, name, version, status, createdAt, updatedAt, seq, finished };
}

/** The facts after more records, for a journal that was given records whose state it cannot tell. */
function factsAfter(facts: SagaFacts, records: readonly SagaRecord[]): SagaFacts {
  let status: SagaStatus = facts.status;
  let { updatedAt, seq, finished } = facts;
  for (const record of records) {
    status = statusAfter(status, record);
    ({ seq, timestamp: updatedAt } = record);
    finished = finishes(record);
  }
  return { ...factsOf(facts), status, updatedAt, seq, finished };
}

/**
 * The state after records, as their owner says or as they fold; `undefined` when they do not fold. A journal keeps what it
 * is given and does not judge.
 */
function stateAfter(id: string, state: SagaState | undefined, records: readonly SagaRecord[]): SagaState | undefined {
  try {
    let next = state;
    for (const record of records) next = applyRecord(id, next, record);
    return next;
  } catch (error) {
    if (error instanceof IllegalRecordError) return undefined;
    throw error;
  }
}

/** What a saga is after an append: its state while it lives, the facts alone when it has finished. */
export function sagaAfter(
  id: string,
  node: SagaNode | undefined,
  records: readonly SagaRecord[],
  given: SagaState | undefined,
): SagaState | SagaFacts {
  const before = node === undefined ? undefined : stateOf(node);
  const last = records.at(-1);
  const canFold = node === undefined || before !== undefined;
  const state = given?.seq === last?.seq ? given : canFold ? stateAfter(id, before, records) : undefined;
  if (state !== undefined) return state.finished ? factsOf(state) : state;
  return factsAfter(node?.saga ?? bornFacts(id, records[0]), records);
}

function bornFacts(id: string, record: SagaRecord | undefined): SagaFacts {
  if (record?.type !== 'saga-started') throw new TypeError(`Expected saga "${id}" to begin with saga-started`);
  const { name, version, timestamp, seq } = record;
  return { id, name, version, status: 'running', createdAt: timestamp, updatedAt: timestamp, seq, finished: false };
}

/** What a saga is after an append that stands at a position, in a journal that writes no snapshots. */
export function nodeAfter(
  { id, node }: { readonly id: string; readonly node: SagaNode | undefined },
  records: readonly SagaRecord[],
  given: SagaState | undefined,
  position: Position,
): SagaNode {
  const saga = sagaAfter(id, node, records, given);
  return { saga, birth: node?.birth ?? position, position, snapshot: undefined, steps: 0, records: 0 };
}
