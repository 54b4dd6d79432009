import type { Random } from '../ports/random.ts';

const pageBytes = 4096;
const sectorBytes = 512;
const zeros = new Uint8Array(pageBytes);

/** Bytes of a file in pages; a page that was never anything but zeros takes no memory. */
class Pages {
  private readonly pages = new Map<number, Uint8Array>();

  read(target: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const from = (position + done) % pageBytes;
      const count = Math.min(pageBytes - from, length - done);
      const found = this.pages.get(Math.floor((position + done) / pageBytes)) ?? zeros;
      target.set(found.subarray(from, from + count), offset + done);
      done += count;
    }
  }

  write(source: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const from = (position + done) % pageBytes;
      const count = Math.min(pageBytes - from, length - done);
      const part = source.subarray(offset + done, offset + done + count);
      const page = Math.floor((position + done) / pageBytes);
      const found = this.pages.get(page);
      if (found !== undefined) found.set(part, from);
      else if (Buffer.compare(part, zeros.subarray(0, count)) !== 0) {
        const made = new Uint8Array(pageBytes);
        made.set(part, from);
        this.pages.set(page, made);
      }
      done += count;
    }
  }

  /** The bytes of a sector; `undefined`: zeros. */
  sector(sector: number): Uint8Array | undefined {
    const position = sector * sectorBytes;
    const from = position % pageBytes;
    return this.pages.get(Math.floor(position / pageBytes))?.slice(from, from + sectorBytes);
  }

  /** Zeros from `size` on. */
  cut(size: number): void {
    for (const [page, bytes] of this.pages) {
      const kept = size - page * pageBytes;
      if (kept <= 0) this.pages.delete(page);
      else if (kept < pageBytes) bytes.fill(0, kept);
    }
  }
}

/**
 * A file as the system sees it, and as the disk holds it: the two differ by the sectors that wait to be synced, of which
 * it remembers what the disk holds.
 */
export class Inode {
  size = 0;
  private syncedSize = 0;
  private readonly cache = new Pages();
  /** What the disk holds of each dirty sector; `undefined`: zeros. */
  private readonly dirty = new Map<number, Uint8Array | undefined>();
  /** The same of those that a failed sync has left off the disk, and that nobody will put there. */
  private readonly forgotten = new Map<number, Uint8Array | undefined>();

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    this.cache.read(target, offset, count, position);
    return count;
  }

  /** Into the page cache only. */
  write(source: Uint8Array, offset: number, length: number, position: number): void {
    if (length === 0) return;
    const end = lastSector(position, length);
    for (let sector = firstSector(position); sector <= end; sector++) this.makeDirty(sector);
    this.cache.write(source, offset, length, position);
    this.size = Math.max(this.size, position + length);
  }

  private makeDirty(sector: number): void {
    const { dirty, forgotten } = this;
    if (dirty.has(sector)) return;
    if (forgotten.size > 0 && forgotten.has(sector)) {
      dirty.set(sector, forgotten.get(sector));
      forgotten.delete(sector);
    } else dirty.set(sector, this.cache.sector(sector));
  }

  /** Puts the dirty sectors of a stretch on the disk, as O_DSYNC does: not those around it. */
  syncRange(position: number, length: number): void {
    const end = lastSector(position, length);
    for (let sector = firstSector(position); sector <= end; sector++) this.dirty.delete(sector);
    this.syncedSize = this.size;
  }

  sync(): void {
    this.dirty.clear();
    this.syncedSize = this.size;
  }

  /** What a failed sync does: the sectors are not on the disk, and nobody remembers that they should be. */
  forgetDirty(position: number = 0, length: number = this.size): void {
    const end = lastSector(position, length);
    for (let sector = firstSector(position); sector <= end; sector++) {
      if (!this.dirty.has(sector)) continue;
      this.forgotten.set(sector, this.dirty.get(sector));
      this.dirty.delete(sector);
    }
  }

  /** The power fails: each dirty sector is on the disk with the given chance; the cache is gone. */
  crash(random: Random, keptRatio: number): void {
    for (const [sector, held] of this.dirty) if (random() >= keptRatio) this.restore(sector, held);
    for (const [sector, held] of this.forgotten) this.restore(sector, held);
    this.dirty.clear();
    this.forgotten.clear();
    if (this.size !== this.syncedSize && random() >= keptRatio) this.size = this.syncedSize;
    this.syncedSize = this.size;
    this.cache.cut(this.size);
  }

  private restore(sector: number, held: Uint8Array | undefined): void {
    this.cache.write(held ?? zeros, 0, sectorBytes, sector * sectorBytes);
  }

  /** Changes the medium itself. */
  replace(bytes: Uint8Array): void {
    this.write(bytes, 0, bytes.length, 0);
    this.size = bytes.length;
    this.sync();
  }

  contents(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    this.cache.read(bytes, 0, this.size, 0);
    return bytes;
  }
}

function firstSector(position: number): number {
  return Math.floor(position / sectorBytes);
}

/** Before the first one when there are no bytes. */
function lastSector(position: number, length: number): number {
  return length === 0 ? -1 : Math.floor((position + length - 1) / sectorBytes);
}
