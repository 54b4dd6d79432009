/**
 * Files in memory, over a page cache that can be lost. The fault model:
 *
 * - A write goes into the page cache. A sync puts the file's dirty sectors (512 bytes) on the disk; a write through a
 *   durable descriptor puts those of its own range there, and not those around it.
 * - A crash keeps any subset of the dirty sectors, so a write may be torn at any 512 bytes. The share that is kept is
 *   drawn anew at each crash, all and none included. A size that grew without a sync may be the old one again.
 * - Creations, renames and removals are durable after a sync of their folder; a crash keeps some first part of the later
 *   ones, in their order. Folders themselves are durable when made.
 * - A sync that fails leaves the sectors off the disk and marks them clean: the next sync succeeds, and they are lost in
 *   the next crash, though reads give them until then ("fsyncgate").
 * - The power may fail at the n-th operation: half done, if it has halves. From then on every operation is refused, until
 *   `crash()` says what the disk kept.
 * - The n-th read, write or sync may fail; writes and reads may be short; the disk may be full at a number of bytes.
 * - Out of the model: sectors torn within, reads of another place, a disk that says it synced and did not. Bits are
 *   flipped with `replace`.
 */
import { FileLockedError } from '../ports/file-locked-error.ts';
import type { FileLock, Files, OpenFile, OpenMode } from '../ports/files.ts';
import { type SeededRandom, seededRandom } from '../ports/random.ts';
import { Inode } from './memory-files-inode.ts';
import { Namespace } from './memory-files-namespace.ts';

/** An error as the system gives it. */
export interface SystemError extends Error {
  readonly code: string;
}

/** @internal */
function systemError(code: string, what: string): SystemError {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

/** What goes wrong, by number: the first operation of a kind is number 1. All are off unless set. */
export interface MemoryFaults {
  /** The power fails at this operation of any kind, see {@link MemoryFiles.operations}. */
  powerFailsAt?: number;
  /** This sync, or write through a durable descriptor, fails with EIO. Counted from the time it is set. */
  syncFailsAt?: number;
  /** This write fails with EIO and writes nothing. */
  writeFailsAt?: number;
  /** This read fails with EIO. */
  readFailsAt?: number;
  /** Bytes all files together may have; more is refused with ENOSPC. */
  capacityBytes?: number;
  /** How likely a read or write takes fewer bytes than it was given, from 0 to 1. */
  shortRatio?: number;
}

/** Files in memory whose disk can fail, see {@link memoryFiles}. */
export interface MemoryFiles extends Files {
  readonly faults: MemoryFaults;
  /** How many operations were begun since the last crash. */
  readonly operations: number;
  /** The power fails, if it has not yet, and comes back: locks and open files are gone, and what was not synced may be. */
  crash(): void;
  /** What a file holds now. */
  contents(path: string): Uint8Array;
  /** Changes what is on the disk, as a failing medium or a careless hand would. */
  replace(path: string, bytes: Uint8Array): void;
  /** An independent copy of everything, without faults: to try two fates of one disk. */
  clone(random: SeededRandom): MemoryFiles;
}

class Device implements MemoryFiles {
  readonly faults: MemoryFaults;
  operations = 0;
  /** Raised by each crash; what was opened before is dead. */
  boot = 0;
  readonly names: Namespace;
  readonly random: SeededRandom;
  private readonly locks = new Map<string, FileLock>();
  private dead = false;

  constructor(random: SeededRandom, faults: MemoryFaults, names: Namespace) {
    this.random = random;
    this.faults = faults;
    this.names = names;
  }

  async open(path: string, mode: OpenMode, { durable = false } = {}): Promise<OpenFile> {
    await this.begin(() => {
      if (mode === 'create') this.names.create(path, new Inode());
    });
    return new MemoryFile(this, path, this.names.inode(path), mode, durable);
  }

  async list(path: string): Promise<string[]> {
    await this.begin();
    return this.names.list(path);
  }

  async exists(path: string): Promise<boolean> {
    await this.begin();
    return this.names.exists(path);
  }

  makeDirectory(path: string): Promise<void> {
    return this.begin(() => this.names.makeFolder(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.begin(() => this.names.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.begin(() => this.names.remove(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.begin();
    this.names.sync(path);
  }

  async lock(path: string): Promise<FileLock> {
    await this.begin();
    if (this.locks.has(path)) throw new FileLockedError(path, 'a simulated process');
    const lock: FileLock = {
      release: () => {
        if (this.locks.get(path) === lock) this.locks.delete(path);
        return Promise.resolve();
      },
    };
    this.locks.set(path, lock);
    return lock;
  }

  crash(): void {
    this.boot++;
    this.dead = false;
    this.operations = 0;
    delete this.faults.powerFailsAt;
    this.locks.clear();
    // None, all, and everything between: each has caught bugs that the others had not.
    const draw = this.random();
    const keptRatio = draw < 0.2 ? 0 : draw < 0.4 ? 1 : this.random();
    this.names.crash(this.random, keptRatio);
  }

  contents(path: string): Uint8Array {
    return this.names.inode(path).contents();
  }

  replace(path: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.replace(bytes);
    this.names.replace(path, inode);
  }

  clone(random: SeededRandom): MemoryFiles {
    return new Device(random, {}, this.names.clone());
  }

  /** Counts an operation and lets it happen in a later turn of the microtask queue, unless the power fails at it. */
  async begin(effect?: () => void): Promise<void> {
    await Promise.resolve();
    this.beginNow(effect);
  }

  /** The same, at once. */
  beginNow(effect: () => void = () => undefined): void {
    this.refuseWhenDead();
    this.operations++;
    if (this.operations === this.faults.powerFailsAt) {
      this.dead = true;
      if (this.random() < 0.5) effect();
      this.refuseWhenDead();
    }
    effect();
  }

  refuseWhenDead(): void {
    if (this.dead) throw systemError('EPOWER', 'the simulated power has failed');
  }

  /** Whether the fault that counts down under this name strikes now. */
  strikes(fault: 'syncFailsAt' | 'writeFailsAt' | 'readFailsAt'): boolean {
    const left = this.faults[fault];
    if (left === undefined) return false;
    if (left > 1) this.faults[fault] = left - 1;
    else delete this.faults[fault];
    return left === 1;
  }

  /** How many of so many bytes one call takes. */
  taken(length: number): number {
    if (length <= 1 || this.random() >= (this.faults.shortRatio ?? 0)) return length;
    return 1 + Math.floor(this.random() * (length - 1));
  }
}

class MemoryFile implements OpenFile {
  private readonly device: Device;
  private readonly path: string;
  private readonly inode: Inode;
  private readonly mode: OpenMode;
  private readonly durable: boolean;
  private readonly boot: number;
  private closed = false;

  constructor(device: Device, path: string, inode: Inode, mode: OpenMode, durable: boolean) {
    this.device = device;
    this.path = path;
    this.inode = inode;
    this.mode = mode;
    this.durable = durable;
    this.boot = device.boot;
  }

  async read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    await this.begin();
    if (this.device.strikes('readFailsAt')) throw systemError('EIO', `read of "${this.path}"`);
    return this.inode.read(target, offset, this.device.taken(length), position);
  }

  async write(source: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    this.refuseWhenClosed();
    await Promise.resolve();
    return this.writeNow(source, offset, length, position);
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): number {
    this.refuseWhenClosed();
    let count = 0;
    this.device.beginNow(() => {
      if (this.mode === 'read') throw systemError('EBADF', `"${this.path}" is open for reading only`);
      if (this.device.strikes('writeFailsAt')) throw systemError('EIO', `write of "${this.path}"`);
      count = this.withinCapacity(this.device.taken(length), position);
      this.inode.write(source, offset, count, position);
    });
    if (count === 0 && length > 0) throw systemError('ENOSPC', `write of "${this.path}"`);
    if (this.durable) this.syncOrFail(() => this.inode.syncRange(position, count), position, count);
    return count;
  }

  async sync(): Promise<void> {
    await this.begin();
    this.syncOrFail(() => this.inode.sync(), 0, this.inode.size);
  }

  async size(): Promise<number> {
    await this.begin();
    return this.inode.size;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private async begin(effect?: () => void): Promise<void> {
    this.refuseWhenClosed();
    await this.device.begin(effect);
  }

  private refuseWhenClosed(): void {
    if (this.closed || this.boot !== this.device.boot) throw systemError('EBADF', `"${this.path}" is closed`);
  }

  private syncOrFail(sync: () => void, position: number, length: number): void {
    if (this.device.strikes('syncFailsAt')) {
      this.inode.forgetDirty(position, length);
      throw systemError('EIO', `sync of "${this.path}"`);
    }
    sync();
  }

  private withinCapacity(length: number, position: number): number {
    const { capacityBytes } = this.device.faults;
    if (capacityBytes === undefined || position + length <= this.inode.size) return length;
    const free = Math.max(0, capacityBytes - this.device.names.usedBytes());
    return Math.max(0, Math.min(length, this.inode.size + free - position));
  }
}

/**
 * Files in memory, whose disk can be made to fail; its faults are described at the head of this module's source.
 *
 * @param options.random what a crash keeps is drawn from it. Default `seededRandom(1)`.
 * @param options.faults what goes wrong; may be changed at any time through `faults`. Default nothing.
 * @example
 * const files = memoryFiles();
 * const file = await files.open('/note', 'create');
 * await file.write(new Uint8Array([1, 2, 3]), 0, 3, 0) // => 3
 */
export function memoryFiles(
  options: { readonly random?: SeededRandom; readonly faults?: MemoryFaults } = {},
): MemoryFiles {
  return new Device(options.random ?? seededRandom(1), { ...options.faults }, new Namespace());
}
