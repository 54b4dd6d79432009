import type { OpenFile } from '../ports/files.ts';
import type { LogFolder } from './log-folder.ts';

interface Handle {
  readonly seq: number;
  readonly opening: Promise<OpenFile>;
  users: number;
}

const keptOpen = 8;

/** Open files of the segments that were read last, so that reading one record does not open a file each time. */
export class ReadHandles {
  private readonly folder: LogFolder;
  /** Least recently used first. One that is not in here any more is closed by its last user. */
  private readonly kept = new Map<number, Handle>();
  private users = 0;
  private closed = false;
  private whenUnused: (() => void) | undefined;

  constructor(folder: LogFolder) {
    this.folder = folder;
  }

  /** Lets `use` read a segment; its file stays open meanwhile. */
  async with<Result>(seq: number, use: (file: OpenFile) => Promise<Result>): Promise<Result> {
    const handle = this.kept.get(seq) ?? {
      seq,
      opening: this.folder.files.open(this.folder.segmentPath(seq), 'read'),
      users: 0,
    };
    this.kept.delete(seq);
    // A read that began before the log was closed may go on after it, and leaves nothing open.
    if (!this.closed) this.kept.set(seq, handle);
    handle.users++;
    this.users++;
    try {
      const file = await handle.opening;
      return await use(file);
    } catch (error) {
      // It may open the next time, or read through another descriptor.
      if (this.kept.get(seq) === handle) this.kept.delete(seq);
      throw error;
    } finally {
      handle.users--;
      const [oldest] = this.kept.values();
      if (oldest !== undefined && this.kept.size > keptOpen) await this.drop(oldest);
      await this.closeIfDone(handle);
      this.users--;
      if (this.users === 0) this.whenUnused?.();
    }
  }

  /** Closes what is open of the segments before `seq`, which are about to be removed. */
  async forgetBefore(seq: number): Promise<void> {
    for (const handle of this.kept.values()) if (handle.seq < seq) await this.drop(handle);
  }

  /** Closes all of them, those in use when their users are done, which it waits for. */
  async close(): Promise<void> {
    this.closed = true;
    for (const handle of this.kept.values()) await this.drop(handle);
    if (this.users > 0) await new Promise<void>((resolve) => (this.whenUnused = resolve));
  }

  private async drop(handle: Handle): Promise<void> {
    this.kept.delete(handle.seq);
    await this.closeIfDone(handle);
  }

  private async closeIfDone(handle: Handle): Promise<void> {
    if (handle.users > 0 || this.kept.get(handle.seq) === handle) return;
    const file = await handle.opening.catch(() => undefined);
    await file?.close();
  }
}
