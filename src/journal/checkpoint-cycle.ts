import { notify } from '../ports/notify.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import type { Archive } from './archive.ts';
import { archiveUpTo, beginWithoutOutlived, purge, removeBefore } from './archiving.ts';
import { checkpointEntries, type CheckpointHead } from './journal-checkpoint.ts';
import type { Position } from './journal.ts';
import type { SagaTree } from './saga-tree.ts';
import type { ResolvedJournalOptions } from './wal-journal-options.ts';

/** What a journal does beside appending, every so many bytes of log and at closing: a checkpoint, and what follows from it. */
export class CheckpointCycle {
  private readonly wal: Wal;
  private readonly tree: SagaTree;
  private readonly archive: Archive;
  private readonly epoch: number;
  private readonly options: ResolvedJournalOptions;
  private lastTimestamp: number;
  /** Where the archive may begin, as the newest checkpoint says. */
  private archivedFrom: Position | undefined;
  /** Where the last checkpoint was made, or tried. */
  private lastLsn: Position;
  private running: Promise<void> | undefined;

  constructor(
    wal: Wal,
    tree: SagaTree,
    archive: Archive,
    { epoch, timestamp, archivedFrom }: Omit<CheckpointHead, 'archivedTo'>,
    options: ResolvedJournalOptions,
  ) {
    this.wal = wal;
    this.tree = tree;
    this.archive = archive;
    this.epoch = epoch;
    this.lastTimestamp = timestamp;
    this.archivedFrom = archivedFrom;
    this.options = options;
    // Behind a crash there may be as much to do already, but those who wait for their sagas to go on come first.
    const half = wal.durableLsn - options.checkpointBytes / 2;
    this.lastLsn = Math.max(wal.checkpoints[0] ?? wal.firstLsn, half);
  }

  /** Called for every durable append, in order. */
  noteAppend(position: Position, timestamp: number): void {
    this.lastTimestamp = timestamp;
    if (position - this.lastLsn < this.options.checkpointBytes || this.running !== undefined) return;
    this.lastLsn = position;
    // In a later turn, when all appends of the batch are in the tree.
    this.running = new Promise<void>((next) => this.options.clock.soon(next)).then(() => this.run(() => this.cycle()));
  }

  /** Waits for what is being done, and makes the last checkpoint. */
  async finish(): Promise<void> {
    await this.running;
    if (this.wal.failed === undefined && this.wal.checkpoints[0] !== this.wal.durableLsn)
      await this.run(() => this.checkpoint(this.archivedFrom ?? this.archive.startLsn));
  }

  // A checkpoint that cannot be made costs time at the next opening, and nothing else: it is told and tried again later.
  private async run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      notify(this.options.observer, { type: 'journal.checkpoint-failed', error });
    } finally {
      this.running = undefined;
    }
  }

  // In this order: what is finished leaves memory for the archive, so that the checkpoint holds the living; what is older
  // than two checkpoints, and archived, leaves the log.
  private async cycle(): Promise<void> {
    await archiveUpTo(this.wal, this.tree, this.archive, this.wal.durableLsn);
    const { archive, tree, lastTimestamp, options, archivedFrom } = this;
    await this.checkpoint(await beginWithoutOutlived(archive, tree, lastTimestamp, options));
    await this.wal.trimBefore(archive.endLsn ?? 0);
    await purge(archive, tree, lastTimestamp, options);
    // As far as the checkpoint before this one allows too: should this one be damaged, that one is opened.
    await removeBefore(archive, archivedFrom ?? 0);
  }

  private async checkpoint(archivedFrom: Position | undefined): Promise<void> {
    const { point } = this.wal;
    const archivedTo = this.archive.endLsn ?? 0;
    const head = { epoch: this.epoch, timestamp: this.lastTimestamp, archivedTo, archivedFrom };
    this.lastLsn = point.lsn;
    await this.wal.checkpoint(point, checkpointEntries(head, this.tree.snapshot()));
    this.archivedFrom = archivedFrom;
  }
}
