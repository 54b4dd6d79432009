/**
 * The disk of one simulated machine, on the page cache of `memoryFiles`. The fault model:
 *
 * - Each operation takes time. A write is in the page cache at once and, through a durable descriptor, on the disk when it
 *   resolves; a power cut before that leaves any subset of its sectors.
 * - A process that is killed leaves the page cache to the next one; a power cut leaves what was synced, and any subset of
 *   the rest: see the head of `memory-files.ts` for both.
 * - A sync fails once and the next one lies; a read fails; reads and writes are short; the disk is full for a while; the
 *   newest checkpoint rots while there is an older one.
 */
import { FileLockedError } from '../../ports/file-locked-error.ts';
import type { FileLock } from '../../ports/files.ts';
import type { SeededRandom } from '../../ports/random.ts';
import { Inode } from '../memory-files-inode.ts';
import { Namespace } from '../memory-files-namespace.ts';
import type { Faults } from './faults.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** What changes a disk: bytes in the page cache, bytes on the medium, names in a folder. */
export type DiskChange = 'write' | 'sync' | 'name';

/** Is told of every change of a disk, before and after it; whoever wants to stop the world there does. */
export type DiskWatch = (change: DiskChange, side: 'before' | 'after') => void;

/** A disk that outlives the processes that use it. */
export class SimulatedDisk {
  /** Whether nothing more fits on it. */
  full = false;
  watch: DiskWatch | undefined;
  readonly faults: Faults;
  readonly names: Namespace = new Namespace();
  readonly latency: SeededRandom;
  private readonly random: SeededRandom;
  private lockedBy = new Map<string, SimulatedProcess>();

  constructor(random: SeededRandom, faults: Faults) {
    this.random = random.split('disk');
    this.latency = this.random.split('latency');
    this.faults = faults;
  }

  /** The power fails: what was not synced may be lost. */
  cutPower(): void {
    const draw = this.random();
    this.names.crash(this.random, draw < 0.2 ? 0 : draw < 0.4 ? 1 : this.random());
  }

  /** Flips a bit of the newest of two or more checkpoints; `false` when there are fewer. */
  rotCheckpoint(folder: string, random: SeededRandom): boolean {
    const checkpoints = this.names
      .list(folder)
      .filter((name) => name.endsWith('.ckpt'))
      .toSorted();
    const newest = checkpoints.at(-1);
    if (newest === undefined || checkpoints.length < 2) return false;
    const path = `${folder}/${newest}`;
    const bytes = this.names.inode(path).contents();
    const at = Math.floor(random() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    const inode = new Inode();
    inode.replace(bytes);
    this.names.replace(path, inode);
    return true;
  }

  /** How long an operation takes, in ms. */
  delayMs(): number {
    const slow = this.faults.strikes('disk-slow');
    const usual = 0.05 + this.latency() * 0.4;
    return slow === undefined ? usual : usual + slow() * slow() * 2000;
  }

  lock(path: string, process: SimulatedProcess): FileLock {
    if (this.lockedBy.get(path)?.alive === true) throw new FileLockedError(path, 'a simulated process');
    this.lockedBy.set(path, process);
    return {
      release: () => {
        if (this.lockedBy.get(path) === process) this.lockedBy.delete(path);
        return Promise.resolve();
      },
    };
  }

  /** How many of so many bytes one call takes. */
  taken(length: number): number {
    const short = length > 1 ? this.faults.strikes('short-io') : undefined;
    return short === undefined ? length : 1 + Math.floor(short() * (length - 1));
  }
}
