import type { Files } from '../../ports/files.ts';
import type { BatchHeader } from '../../wal/batch-header.ts';
import type { Lsn } from '../../wal/wal-record.ts';
import { type AuditedCheckpoint, auditCheckpoint } from './checkpoint-audit.ts';
import type { LogListing } from './log-listing.ts';

/** The checkpoints of a log, and which of the batches they were made behind have been met. */
export class CheckpointBook {
  readonly all: AuditedCheckpoint[] = [];
  private readonly unmet = new Map<Lsn, AuditedCheckpoint>();

  /** Reads them all; `onDamaged` is told of those that are not whole. */
  async read(
    files: Files,
    listing: LogListing,
    journalId: Uint8Array,
    onDamaged: (checkpoint: AuditedCheckpoint) => void,
  ): Promise<void> {
    for (const name of listing.checkpoints) {
      const found = await auditCheckpoint(files, listing.path, name, journalId);
      if (found === undefined) continue;
      this.all.push(found);
      if (found.problem !== undefined) onDamaged(found);
      else if (found.lastFrameLsn > 0) this.unmet.set(found.lastFrameLsn, found);
    }
  }

  /** Whether a log may begin at a position and not at 0: some checkpoint needs nothing before it. */
  allowsBeginningAt(lsn: Lsn): boolean {
    return this.all.some(({ problem, ...one }) => problem === undefined && (one.lastFrameLsn || one.lsn) >= lsn);
  }

  /** The newest one that is whole. */
  get newest(): AuditedCheckpoint | undefined {
    return this.all.filter(({ problem }) => problem === undefined).toSorted((one, other) => other.lsn - one.lsn)[0];
  }

  meet(header: BatchHeader): void {
    if (this.unmet.get(header.lsn)?.previousCrc === header.crc) this.unmet.delete(header.lsn);
  }

  /** Those whose batch should have been met between two positions, and was not: the log was longer once. */
  strangers(from: Lsn, to: Lsn): readonly AuditedCheckpoint[] {
    return [...this.unmet].filter(([lsn]) => lsn >= from && lsn < to).map(([, checkpoint]) => checkpoint);
  }
}
