import type { Clock } from '../../ports/clock.ts';
import { notify } from '../../ports/notify.ts';
import type { Observer } from '../../ports/observer.ts';
import type { Wal } from '../../wal/segmented-wal.ts';
import type { WalEntry } from '../../wal/wal-record.ts';

/** Keeps the log short: every so many bytes, and at closing, the keys are written down and the log before is removed. */
export class StoreCheckpoints {
  private readonly wal: Wal;
  private readonly entries: () => Iterable<WalEntry>;
  private readonly leastBytes: number;
  private readonly clock: Clock;
  private readonly observer: Observer | undefined;
  private lastLsn: number;
  private lastBytes: number;
  private running: Promise<void> | undefined;
  private isFinishing = false;

  constructor(
    wal: Wal,
    entries: () => Iterable<WalEntry>,
    options: { readonly checkpointBytes: number; readonly clock: Clock; readonly observer: Observer | undefined },
  ) {
    this.wal = wal;
    this.entries = entries;
    this.leastBytes = options.checkpointBytes;
    this.clock = options.clock;
    this.observer = options.observer;
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
      notify(this.observer, { type: 'wal-store.checkpoint-failed', error });
    } finally {
      this.running = undefined;
    }
  }
}
