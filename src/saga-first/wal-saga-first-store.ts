/**
 * Saga-first steps in a write-ahead log of their own. An entry's transaction is the step's id, its kind the record's type,
 * its payload `1 seq json`: the version of this form, the record's number, and the rest of the record.
 */
import { MakegoodError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/system-clock.ts';
import { freezeJson } from '../saga/json-value.ts';
import type { SagaFirstRecord, SagaFirstRecordType } from '../saga/saga-first/saga-first-record.ts';
import { applySagaFirst, type SagaFirstState } from '../saga/saga-first/saga-first-state.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import { openWal } from '../wal/wal.ts';
import type { WalOptions } from '../wal/wal-options.ts';
import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import type { SagaFirstStore } from './saga-first-store.ts';
import { TableStore } from './table-store.ts';

// A number is never given a second meaning; those of the journal's records lie below.
const kinds: Readonly<Record<SagaFirstRecordType, number>> = {
  registered: 201,
  attempted: 202,
  confirmed: 203,
  triggered: 204,
  compensated: 205,
  noop: 206,
  escalated: 207,
  resolved: 208,
  reopened: 209,
  released: 210,
};

const typeOfKind = new Map(Object.entries(kinds).map(([type, kind]) => [kind, type]));

/** A log of saga-first steps holds a record that cannot be read, or cannot stand where it does. */
export class SagaFirstUnreadableError extends MakegoodError {
  /** Position of the record in the log. */
  readonly position: number;

  constructor(position: number, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_SAGA_FIRST_UNREADABLE', `record at ${position} cannot be read: ${why}`, options);
    this.position = position;
  }
}

function encode(id: string, { seq, at, type, ...data }: SagaFirstRecord): WalEntry {
  return {
    kind: kinds[type],
    state: 0,
    timestamp: at,
    txId: id,
    stepId: '',
    payload: `1 ${seq} ${JSON.stringify(data)}`,
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decode({ kind, timestamp, payload }: WalRecord): SagaFirstRecord {
  const type = typeOfKind.get(kind);
  const head = /^1 (\d+) /.exec(decoder.decode(payload));
  if (type === undefined || head === null) throw new SyntaxError(`kind ${kind} or its payload is of no known form`);
  const data = JSON.parse(head.input.slice(head[0].length)) as object;
  return freezeJson({ ...data, seq: Number(head[1]), at: timestamp, type }) as SagaFirstRecord;
}

class WalSagaFirstStore extends TableStore {
  private readonly wal: Wal;
  private readonly clock: Clock;

  constructor(wal: Wal, states: Map<string, SagaFirstState>, clock: Clock) {
    super(states);
    this.wal = wal;
    this.clock = clock;
  }

  protected now(): number {
    return this.clock.now();
  }

  protected async persist(id: string, record: SagaFirstRecord): Promise<void> {
    await this.wal.append([encode(id, record)]);
  }

  protected release(): Promise<void> {
    return this.wal.close();
  }
}

/** Options of {@link openWalSagaFirstStore}: those of the log. */
export type WalSagaFirstStoreOptions = Omit<WalOptions, 'onRecord' | 'onCheckpoint'>;

/**
 * Opens the store of saga-first steps in a folder, which is made when it is not there: a write-ahead log of its own.
 * Closed steps stay in it, so that a repeated call still gets its result.
 *
 * @param path the folder; one opener at a time, of all processes.
 * @returns a store whose promises resolve only after the records are on the disk.
 * @throws {FileLockedError} when another opener has the folder.
 * @throws {WalCorruptError} when the log is damaged anywhere but in an unfinished write at its end.
 * @throws {SagaFirstUnreadableError} when a record is of another version, or out of its order.
 * @example
 * const { mkdtemp } = await import('node:fs/promises');
 * await using store = await openWalSagaFirstStore(await mkdtemp('/tmp/makegood-'));
 * (await store.list({ statuses: ['registered'] })).items // => []
 */
export async function openWalSagaFirstStore(
  path: string,
  options: WalSagaFirstStoreOptions = {},
): Promise<SagaFirstStore> {
  const states = new Map<string, SagaFirstState>();
  const onRecord = (entry: WalRecord): void => {
    try {
      states.set(entry.txId, applySagaFirst(entry.txId, states.get(entry.txId), decode(entry)));
    } catch (error) {
      throw new SagaFirstUnreadableError(entry.lsn, error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
  };
  const wal = await openWal(path, { ...options, onRecord });
  return new WalSagaFirstStore(wal, states, options.clock ?? systemClock);
}
