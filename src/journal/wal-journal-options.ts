import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import { systemFiles } from '../ports/system-files.ts';
import { type Duration, toMs } from '../time/duration.ts';
import type { WalOptions } from '../wal/wal-options.ts';
import type { WalEvent } from '../wal/wal-events.ts';
import type { Retention } from './archiving.ts';
import type { JournalEvent } from './journal-events.ts';

/** Durations of {@link openWalJournal}. */
interface RetentionOptions {
  /**
   * How long a finished saga is kept with its whole history, by the timestamps in the log, before only its id is. `Infinity`:
   * for ever. Default `'30d'`.
   */
  readonly retention?: Duration;
  /** How long the id of a purged saga is refused to a new one. Default `'365d'`. */
  readonly tombstoneRetention?: Duration;
}

/** Options of {@link openWalJournal}: those of the log, and what the journal does beside appending. */
export interface WalJournalOptions
  extends Omit<WalOptions, 'onRecord' | 'onCheckpoint' | 'observer'>,
    RetentionOptions {
  /** Is told what the log tells, and `journal.checkpoint-failed`. Default nobody. */
  readonly observer?: Observer<WalEvent | JournalEvent>;
  /**
   * After so many steps of a saga, its append carries what changed since the last time, so that its state is read in
   * bounded work. `Infinity`: never. Default 3.
   */
  readonly snapshotEvery?: number;
  /** After so many bytes of log a checkpoint is made. `Infinity`: only at closing. Default 64 MiB. */
  readonly checkpointBytes?: number;
}

/** What {@link openWalJournal} does when it is not told otherwise. */
export const walJournalDefaults: Readonly<
  Required<Pick<WalJournalOptions, 'snapshotEvery' | 'checkpointBytes' | 'retention' | 'tombstoneRetention'>>
> = Object.freeze({
  snapshotEvery: 3,
  checkpointBytes: 64 * 1024 * 1024,
  retention: '30d',
  tombstoneRetention: '365d',
});

/** The journal's own options, checked, with what was left out filled in. */
export interface ResolvedJournalOptions extends Retention {
  readonly snapshotEvery: number;
  readonly checkpointBytes: number;
  readonly clock: Clock;
  readonly files: Files;
  readonly observer: Observer<JournalEvent> | undefined;
}

function checkCount(value: number, name: string, least: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ ${least} or Infinity, got ${value}`);
}

/** @throws {RangeError} when one is out of its bounds. */
export function resolveJournalOptions(options: WalJournalOptions): ResolvedJournalOptions {
  const { snapshotEvery, checkpointBytes, retention, tombstoneRetention } = { ...walJournalDefaults, ...options };
  return {
    snapshotEvery: checkCount(snapshotEvery, 'snapshotEvery', 1),
    checkpointBytes: checkCount(checkpointBytes, 'checkpointBytes', 1024),
    retentionMs: toMs(retention, 'retention', { allowInfinity: true }),
    tombstoneRetentionMs: toMs(tombstoneRetention, 'tombstoneRetention', { allowInfinity: true }),
    clock: options.clock ?? systemClock,
    files: options.files ?? systemFiles,
    observer: options.observer,
  };
}
