import { decodeCheckpointEntry } from '../../journal/journal-checkpoint.ts';
import { decodeRecord, RecordUnreadableError } from '../../journal/record-codec.ts';
import { stateOf } from '../../journal/saga-node.ts';
import { isSnapshot } from '../../journal/snapshot-record.ts';
import { isMakegoodError } from '../../errors.ts';
import { applyRecord, type SagaState } from '../../saga/state.ts';
import type { Lsn, WalRecord } from '../../wal/wal-record.ts';

/** A saga that has not ended, as its records tell. */
export interface LiveSaga {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly status: string;
  readonly records: number;
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** A record that a journal cannot read, or would not take for its saga's. */
export interface UnfitRecord {
  readonly lsn: number;
  readonly what: string;
}

/** What the records of a log come to, taken as those of sagas. */
export interface SagaFigures {
  readonly live: readonly LiveSaga[];
  readonly finished: number;
  /** No record is that of a saga: the log keeps something else, and nothing is said of sagas. */
  readonly foreign: boolean;
  readonly unfit: readonly UnfitRecord[];
  /** Records are missing, so what is said of sagas is not the whole truth. */
  readonly partial: boolean;
}

const unfitShown = 100;

/** Folds the records of a log into its sagas, as opening a journal does; memory is bounded by those that live. */
export class SagaSurvey {
  private readonly known = new Map<string, SagaState>();
  private readonly unfit: UnfitRecord[] = [];
  private finished = 0;
  private decoded = 0;
  private partial = false;
  private from: Lsn = 0;

  /** From here on records are missing: what does not follow is no finding any more. */
  expectGaps(): void {
    this.partial = true;
  }

  /** Begins with what a checkpoint holds; records before its position are nothing new. */
  restore(entries: readonly WalRecord[], lsn: Lsn): void {
    this.from = lsn;
    for (const entry of entries) {
      try {
        const node = decodeCheckpointEntry(entry);
        if (!('saga' in node)) continue;
        this.decoded++;
        const state = stateOf(node);
        if (node.damage !== undefined) this.blame(node.damage.position, node.damage.why);
        if (state === undefined) this.finished++;
        else this.known.set(state.id, state);
      } catch (error) {
        this.refuse(entry, error);
      }
    }
  }

  take(entry: WalRecord): void {
    // A snapshot says again what the records before it have said.
    if (entry.lsn < this.from || isSnapshot(entry)) return;
    try {
      const { record } = decodeRecord(entry);
      this.decoded++;
      const state = applyRecord(entry.txId, this.known.get(entry.txId), record);
      if (!state.finished) this.known.set(entry.txId, state);
      else if (this.known.delete(entry.txId)) this.finished++;
    } catch (error) {
      this.refuse(entry, error);
    }
  }

  private refuse(entry: WalRecord, error: unknown): void {
    const isUnreadable = error instanceof RecordUnreadableError;
    if (!isUnreadable && !isMakegoodError(error, 'MAKEGOOD_ILLEGAL_RECORD')) throw error;
    if (this.partial && !isUnreadable) return;
    this.blame(entry.lsn, (error as Error).message);
  }

  private blame(lsn: Lsn, what: string): void {
    if (this.unfit.length < unfitShown) this.unfit.push({ lsn, what });
  }

  figures(): SagaFigures {
    const live = Array.from(this.known.values(), ({ id, name, version, status, seq, createdAt, updatedAt }) => {
      return { id, name, version, status, records: seq, startedAt: createdAt, updatedAt };
    });
    const foreign = this.decoded === 0 && this.unfit.length > 0;
    return { live, finished: this.finished, foreign, unfit: foreign ? [] : this.unfit, partial: this.partial };
  }
}
