import type { Clock } from '../ports/clock.ts';
import type { Wal } from './segmented-wal.ts';
import type { WalEntry } from './wal-record.ts';

/** When an owner's checkpoints are made, and who is told of one that could not be. */
export interface OwnerCheckpointOptions {
  readonly checkpointBytes: number;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Keeps the log of an owner short that holds everything in memory: every so many bytes, and at closing, what it holds is
 * written down and the log before is removed.
 *
 * `entries` is called in the turn in which the log's point is read; what it gives must hold all that is durable by then.
 */
export class OwnerCheckpoints {
  private readonly wal: Wal;
  private readonly entries: () => Iterable<WalEntry>;
  private readonly leastBytes: number;
  private readonly clock: Clock;
  private readonly onFailure: (error: unknown) => void;
  private lastLsn: number;
  private lastBytes: number;
  private running: Promise<void> | undefined;
  private isFinishing = false;

  constructor(wal: Wal, entries: () => Iterable<WalEntry>, options: OwnerCheckpointOptions) {
    this.wal = wal;
    this.entries = entries;
    this.leastBytes = options.checkpointBytes;
    this.clock = options.clock;
    this.onFailure = options.onFailure;
    this.lastLsn = wal.checkpoints[0] ?? wal.firstLsn;
    this.lastBytes = wal.recovered.checkpoint?.bytes ?? 0;
  }

  /** Called when something is durable up to a position. */
  noteAppend(lsn: number): void {
    if (this.running !== undefined || this.isFinishing) return;
    // A log as long as what is held: then each byte is written twice on the whole, however many keys there are.
    if (lsn - this.lastLsn < Math.max(this.leastBytes, this.lastBytes)) return;
    this.running = new Promise<void>((next) => this.clock.soon(next)).then(() => this.run());
  }

  /** Waits for what is being done, and makes the last checkpoint. */
  async finish(): Promise<void> {
    this.isFinishing = true;
    await this.running;
    if (this.wal.failed === undefined && this.wal.checkpoints[0] !== this.wal.durableLsn) await this.run();
  }

  // One that cannot be made leaves the log longer and the next opening slower, nothing else: it is told and tried again.
  private async run(): Promise<void> {
    try {
      const { point } = this.wal;
      this.lastLsn = point.lsn;
      const { bytes } = await this.wal.checkpoint(point, this.entries());
      this.lastBytes = bytes;
      await this.wal.trimBefore(point.lsn);
    } catch (error) {
      this.onFailure(error);
    } finally {
      this.running = undefined;
    }
  }
}
