/**
 * Saga-first steps in a write-ahead log of their own. An entry's transaction is the step's id, its kind the record's type,
 * its payload `1 seq json`: the version of this form, the record's number, and the rest of the record. A checkpoint holds
 * each step's state as it was then.
 */
import { MakegoodError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { freezeJson } from '../saga/json-value.ts';
import type { SagaFirstRecord, SagaFirstRecordType } from '../saga/saga-first/saga-first-record.ts';
import { applySagaFirst, type SagaFirstState } from '../saga/saga-first/saga-first-state.ts';
import { type Duration, toMs } from '../time/duration.ts';
import { OwnerCheckpoints } from '../wal/owner-checkpoints.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import { openWal } from '../wal/wal.ts';
import type { WalEvent } from '../wal/wal-events.ts';
import type { WalOptions } from '../wal/wal-options.ts';
import type { WalEntry, WalRecord } from '../wal/wal-record.ts';
import type { SagaFirstEvent } from './saga-first-events.ts';
import { sagaFirstRetention, type SagaFirstStore } from './saga-first-store.ts';
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

/** A step's whole state, in a checkpoint. */
const stateKind = 211;

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

function encodeState(state: SagaFirstState): WalEntry {
  const { id, seq, changedAt } = state;
  return {
    kind: stateKind,
    state: 0,
    timestamp: changedAt,
    txId: id,
    stepId: '',
    payload: `1 ${seq} ${JSON.stringify(state)}`,
  };
}

function decodeState({ payload }: WalRecord): SagaFirstState {
  const text = decoder.decode(payload);
  if (!text.startsWith('1 ')) throw new SyntaxError('the state is of no known form');
  return freezeJson(JSON.parse(text.slice(text.indexOf(' ', 2) + 1))) as SagaFirstState;
}

class WalSagaFirstStore extends TableStore {
  private readonly wal: Wal;
  private readonly clock: Clock;
  private readonly checkpoints: OwnerCheckpoints;

  constructor(wal: Wal, states: Map<string, SagaFirstState>, options: WalSagaFirstStoreOptions) {
    const { clock = systemClock, observer, retention, checkpointBytes } = { ...walSagaFirstDefaults, ...options };
    super(states, retention);
    this.wal = wal;
    this.clock = clock;
    const entries = (): readonly WalEntry[] => this.remembered().map(encodeState);
    const onFailure = (error: unknown): void => notify(observer, { type: 'saga-first.checkpoint-failed', error });
    this.checkpoints = new OwnerCheckpoints(wal, entries, { checkpointBytes, clock, onFailure });
  }

  protected now(): number {
    return this.clock.now();
  }

  protected async persist(id: string, record: SagaFirstRecord): Promise<void> {
    // A later turn makes the checkpoint: by then the record is part of the state.
    this.checkpoints.noteAppend(await this.wal.append([encode(id, record)]));
  }

  protected async release(): Promise<void> {
    await this.checkpoints.finish();
    await this.wal.close();
  }
}

/** Options of {@link openWalSagaFirstStore}: those of the log, and what is kept of it. */
export interface WalSagaFirstStoreOptions extends Omit<WalOptions, 'onRecord' | 'onCheckpoint' | 'observer'> {
  /** Is told what the log tells, and `saga-first.checkpoint-failed`. Default nobody. */
  readonly observer?: Observer<WalEvent | SagaFirstEvent>;
  /** How long closed steps are remembered, so that a call that comes again gets its result. Default `'30d'`. */
  readonly retention?: Duration;
  /** After so many bytes of log, or as many as are held if those are more, it is cut short. Default 16 MiB. */
  readonly checkpointBytes?: number;
}

const walSagaFirstDefaults = { retention: sagaFirstRetention, checkpointBytes: 16 * 1024 * 1024 };

/**
 * Opens the store of saga-first steps in a folder, which is made when it is not there: a write-ahead log of its own.
 * Closed steps stay in it for their retention, so that a repeated call still gets its result.
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
  const readable =
    (read: (entry: WalRecord) => SagaFirstState) =>
    (entry: WalRecord): void => {
      try {
        states.set(entry.txId, read(entry));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new SagaFirstUnreadableError(entry.lsn, why, { cause: error });
      }
    };
  const { retention, checkpointBytes } = { ...walSagaFirstDefaults, ...options };
  toMs(retention, 'retention', { allowInfinity: true });
  if (!Number.isSafeInteger(checkpointBytes) || checkpointBytes < 1)
    throw new RangeError(`Expected checkpointBytes to be an integer ≥ 1, got ${checkpointBytes}`);
  const wal = await openWal(path, {
    ...options,
    onCheckpoint: readable(decodeState),
    onRecord: readable((entry) => applySagaFirst(entry.txId, states.get(entry.txId), decode(entry))),
  });
  return new WalSagaFirstStore(wal, states, options);
}
