import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import { removeCheckpoints, verifyCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { LogFolder } from './log-folder.ts';
import type { WalCheckpoint, WalPoint } from './wal-checkpoint.ts';
import type { WalEvent } from './wal-events.ts';
import { WalCorruptError } from './wal-errors.ts';
import type { Lsn, WalEntry } from './wal-record.ts';

const kept = 2;

/** The checkpoints of a log that is open, and the removal of what they make superfluous: one thing at a time. */
export class CheckpointKeeper {
  /** Positions of the checkpoints that are believed to be whole, newest first. */
  lsns: readonly Lsn[];
  private damaged: readonly Lsn[];
  private readonly folder: LogFolder;
  private readonly clock: Clock;
  private readonly observer: Observer<WalEvent> | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    folder: LogFolder,
    { clock, observer }: { readonly clock: Clock; readonly observer?: Observer<WalEvent> | undefined },
    lsns: readonly Lsn[],
    damaged: readonly Lsn[],
  ) {
    this.folder = folder;
    this.clock = clock;
    this.observer = observer;
    this.lsns = lsns;
    this.damaged = damaged;
  }

  write(at: WalPoint, entries: Iterable<WalEntry>): Promise<WalCheckpoint> {
    return this.oneAtATime(async () => {
      const startedMs = this.clock.monotonicMs();
      const checkpoint = await writeCheckpoint(this.folder, this.clock, at, entries);
      const others = this.lsns.filter((lsn) => lsn !== at.lsn);
      const sorted = [at.lsn, ...others].toSorted((a, b) => b - a);
      this.lsns = sorted.slice(0, kept);
      // Only now: a damaged one may be all there is to mend by hand until it is replaced.
      await removeCheckpoints(this.folder, [...sorted.slice(kept), ...this.damaged.filter((lsn) => lsn !== at.lsn)]);
      this.damaged = [];
      const durationMs = this.clock.monotonicMs() - startedMs;
      notify(this.observer, { type: 'wal.checkpoint', path: this.folder.path, ...checkpoint, durationMs });
      return checkpoint;
    });
  }

  /** Removes segments; `forget` closes the files that readers have open of them. */
  trimBefore(lsn: Lsn, forget: (seq: number) => Promise<void>): Promise<void> {
    return this.oneAtATime(async () => {
      const older = this.lsns[kept - 1];
      if (older === undefined || this.folder.seqOf(Math.min(lsn, older)) <= this.folder.firstSeq) return;
      const needed = await this.lastFrameOf(older);
      if (needed === undefined) return;
      const seq = this.folder.seqOf(Math.min(lsn, needed));
      await forget(seq);
      const segments = await this.folder.removeSegmentsBefore(seq);
      if (segments === 0) return;
      const firstLsn = this.folder.firstLsn(seq);
      notify(this.observer, { type: 'wal.trimmed', path: this.folder.path, segments, firstLsn });
    });
  }

  /** Resolves when nothing is being written or removed. */
  async idle(): Promise<void> {
    await this.last;
  }

  // What is removed on the strength of a checkpoint is gone, so it is read before.
  private async lastFrameOf(lsn: Lsn): Promise<Lsn | undefined> {
    try {
      return (await verifyCheckpoint(this.folder, lsn)).lastFrameLsn;
    } catch (error) {
      if (!(error instanceof WalCorruptError)) throw error;
      this.lsns = this.lsns.filter((other) => other !== lsn);
      this.damaged = [...this.damaged, lsn];
      notify(this.observer, { type: 'wal.checkpoint-damaged', path: this.folder.path, file: error.file, error });
      return undefined;
    }
  }

  private oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}
