import type { Clock } from '../ports/clock.ts';
import { notify } from '../ports/notify.ts';
import type { Observer } from '../ports/observer.ts';
import type { Wal } from '../wal/segmented-wal.ts';
import { checkpointEntries, type CheckpointHead } from './journal-checkpoint.ts';
import type { Position } from './journal.ts';
import type { SagaTree } from './saga-tree.ts';

/** What a journal does beside appending, every so many bytes of log and at closing: a checkpoint, and what follows from it. */
export class CheckpointCycle {
  private readonly wal: Wal;
  private readonly tree: SagaTree;
  private readonly epoch: number;
  private readonly checkpointBytes: number;
  private readonly observer: Observer | undefined;
  private readonly clock: Clock;
  private lastTimestamp: number;
  /** Where the last checkpoint was made, or tried. */
  private lastLsn: Position;
  private running: Promise<void> | undefined;

  constructor(
    wal: Wal,
    tree: SagaTree,
    { epoch, timestamp }: CheckpointHead,
    options: { readonly checkpointBytes: number; readonly observer: Observer | undefined; readonly clock: Clock },
  ) {
    this.wal = wal;
    this.tree = tree;
    this.epoch = epoch;
    this.lastTimestamp = timestamp;
    this.checkpointBytes = options.checkpointBytes;
    this.observer = options.observer;
    this.clock = options.clock;
    this.lastLsn = wal.checkpoints[0] ?? wal.firstLsn;
  }

  /** Called for every durable append, in order. */
  noteAppend(position: Position, timestamp: number): void {
    this.lastTimestamp = timestamp;
    if (position - this.lastLsn < this.checkpointBytes || this.running !== undefined) return;
    this.lastLsn = position;
    // In a later turn, when all appends of the batch are in the tree.
    this.running = new Promise<void>((next) => this.clock.soon(next)).then(() => this.run());
  }

  /** Waits for what is being done, and makes the last checkpoint. */
  async finish(): Promise<void> {
    await this.running;
    if (this.wal.failed === undefined && this.wal.checkpoints[0] !== this.wal.durableLsn) await this.run();
  }

  // A checkpoint that cannot be made costs time at the next opening, and nothing else: it is told and tried again later.
  private async run(): Promise<void> {
    try {
      await this.checkpoint();
    } catch (error) {
      notify(this.observer, { type: 'journal.checkpoint-failed', error });
    } finally {
      this.running = undefined;
    }
  }

  private async checkpoint(): Promise<void> {
    const { point } = this.wal;
    const head = { epoch: this.epoch, timestamp: this.lastTimestamp };
    this.lastLsn = point.lsn;
    await this.wal.checkpoint(point, checkpointEntries(head, this.tree.snapshot()));
  }
}
