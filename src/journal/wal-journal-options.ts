import type { Clock } from '../ports/clock.ts';
import type { Observer } from '../ports/observer.ts';
import { systemClock } from '../ports/system-clock.ts';
import type { WalOptions } from '../wal/wal-options.ts';

/** Options of {@link openWalJournal}: those of the log, and what the journal does beside appending. */
export interface WalJournalOptions extends Omit<WalOptions, 'onRecord' | 'onCheckpoint'> {
  /**
   * After so many steps of a saga, its append carries what changed since the last time, so that its state is read in
   * bounded work. `Infinity`: never. Default 3.
   */
  readonly snapshotEvery?: number;
  /** After so many bytes of log a checkpoint is made. `Infinity`: only at closing. Default 64 MiB. */
  readonly checkpointBytes?: number;
}

/** What {@link openWalJournal} does when it is not told otherwise. */
export const walJournalDefaults: { readonly snapshotEvery: number; readonly checkpointBytes: number } = Object.freeze({
  snapshotEvery: 3,
  checkpointBytes: 64 * 1024 * 1024,
});

/** The journal's own options, checked, with what was left out filled in. */
export interface ResolvedJournalOptions {
  readonly snapshotEvery: number;
  readonly checkpointBytes: number;
  readonly clock: Clock;
  readonly observer: Observer | undefined;
}

function checkCount(value: number, name: string, least: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new RangeError(`Expected ${name} to be an integer ≥ ${least} or Infinity, got ${value}`);
}

/** @throws {RangeError} when one is out of its bounds. */
export function resolveJournalOptions(options: WalJournalOptions): ResolvedJournalOptions {
  const { snapshotEvery, checkpointBytes } = { ...walJournalDefaults, ...options };
  return {
    snapshotEvery: checkCount(snapshotEvery, 'snapshotEvery', 1),
    checkpointBytes: checkCount(checkpointBytes, 'checkpointBytes', 1024),
    clock: options.clock ?? systemClock,
    observer: options.observer,
  };
}
