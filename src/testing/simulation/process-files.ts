import type { FileLock, Files, OpenFile, OpenMode } from '../../ports/files.ts';
import { Inode } from '../memory-files-inode.ts';
import type { DiskChange, SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedProcess } from './simulated-process.ts';

function systemError(code: string, what: string): Error & { readonly code: string } {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

/** What the simulated system does for one process: in its own time, and not at all once the process is dead. */
class Calls {
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;

  constructor(disk: SimulatedDisk, process: SimulatedProcess) {
    this.disk = disk;
    this.process = process;
  }

  /** Resolves with what the effect gives, some time later. */
  later<Value>(effect: () => Value): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    this.process.after(this.disk.delayMs(), 'disk', () => {
      try {
        const value = effect();
        // A watch may have ended the process in the middle of it.
        if (this.process.alive) resolve(value);
      } catch (error) {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what the simulated system throws
        if (this.process.alive) reject(error);
      }
    });
    return promise;
  }

  /** Changes the disk, and tells whoever watches. */
  change(kind: DiskChange, effect: () => void): void {
    const { disk, process } = this;
    if (!process.alive) return;
    disk.watch?.(kind, 'before');
    if (!process.alive) return;
    effect();
    disk.watch?.(kind, 'after');
  }
}

/** A disk as one process sees it. */
export class ProcessFiles implements Files {
  private readonly calls: Calls;

  constructor(disk: SimulatedDisk, process: SimulatedProcess) {
    this.calls = new Calls(disk, process);
  }

  open(path: string, mode: OpenMode, { durable = false }: { readonly durable?: boolean } = {}): Promise<OpenFile> {
    const { calls } = this;
    const { names } = calls.disk;
    return calls.later(() => {
      if (mode === 'create') calls.change('name', () => names.create(path, new Inode()));
      return new SimulatedFile(calls, { path, inode: names.inode(path), mode, durable });
    });
  }

  list(path: string): Promise<string[]> {
    return this.calls.later(() => this.calls.disk.names.list(path));
  }

  exists(path: string): Promise<boolean> {
    return this.calls.later(() => this.calls.disk.names.exists(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.calls.later(() => this.calls.disk.names.makeFolder(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.calls.later(() => this.calls.change('name', () => this.calls.disk.names.rename(from, to)));
  }

  remove(path: string): Promise<void> {
    return this.calls.later(() => this.calls.change('name', () => this.calls.disk.names.remove(path)));
  }

  syncDirectory(path: string): Promise<void> {
    return this.calls.later(() => this.calls.change('sync', () => this.calls.disk.names.sync(path)));
  }

  lock(path: string): Promise<FileLock> {
    const { disk, process } = this.calls;
    return this.calls.later(() => disk.lock(path, process));
  }
}

interface Opened {
  readonly path: string;
  readonly inode: Inode;
  readonly mode: OpenMode;
  readonly durable: boolean;
}

class SimulatedFile implements OpenFile {
  private readonly calls: Calls;
  private readonly opened: Opened;
  private closed = false;

  constructor(calls: Calls, opened: Opened) {
    this.calls = calls;
    this.opened = opened;
    calls.process.openFiles++;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    const { disk } = this.calls;
    return this.later(() => {
      if (disk.faults.strikes('read-fails')) throw systemError('EIO', `read of "${this.opened.path}"`);
      return this.opened.inode.read(target, offset, disk.taken(length), position);
    });
  }

  write(source: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    let count = 0;
    try {
      count = this.writeCache(source, offset, length, position);
    } catch (error) {
      return this.later(() => {
        throw error;
      });
    }
    return this.later(() => {
      if (!this.opened.durable) return count;
      // Until it resolves the caller's buffer belongs to the system: whoever has changed it finds that on the disk.
      this.opened.inode.write(source, offset, count, position);
      this.syncOrFail(() => this.opened.inode.syncRange(position, count), position, count);
      return count;
    });
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): number {
    const count = this.writeCache(source, offset, length, position);
    if (this.opened.durable) this.syncOrFail(() => this.opened.inode.syncRange(position, count), position, count);
    return count;
  }

  sync(): Promise<void> {
    const { inode } = this.opened;
    return this.later(() => this.syncOrFail(() => inode.sync(), 0, inode.size));
  }

  size(): Promise<number> {
    return this.later(() => this.opened.inode.size);
  }

  close(): Promise<void> {
    if (!this.closed) this.calls.process.openFiles--;
    this.closed = true;
    return Promise.resolve();
  }

  private later<Value>(effect: () => Value): Promise<Value> {
    if (this.closed) return Promise.reject(systemError('EBADF', `"${this.opened.path}" is closed`));
    return this.calls.later(effect);
  }

  /** Into the page cache, as far as there is room. */
  private writeCache(source: Uint8Array, offset: number, length: number, position: number): number {
    const { inode, mode, path } = this.opened;
    const { disk } = this.calls;
    if (this.closed || mode === 'read') throw systemError('EBADF', `"${path}" is not open for writing`);
    const room = disk.full ? Math.max(0, inode.size - position) : length;
    const count = Math.min(disk.taken(length), room);
    if (count === 0 && length > 0) throw systemError('ENOSPC', `write of "${path}"`);
    this.calls.change('write', () => inode.write(source, offset, count, position));
    return count;
  }

  private syncOrFail(sync: () => void, position: number, length: number): void {
    if (this.calls.disk.faults.strikes('sync-fails')) {
      this.opened.inode.forgetDirty(position, length);
      throw systemError('EIO', `sync of "${this.opened.path}"`);
    }
    this.calls.change('sync', sync);
  }
}
