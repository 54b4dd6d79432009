import type { Random } from '../ports/random.ts';

const pageBytes = 4096;
const sectorBytes = 512;

/** Bytes of a file in pages; a page that was never anything but zeros takes no memory. */
class Pages {
  private readonly pages = new Map<number, Uint8Array>();

  /** The same bytes up to `size`, zeros behind it. */
  copy(size: number): Pages {
    const copy = new Pages();
    for (const [page, bytes] of this.pages) {
      if (page * pageBytes < size) copy.pages.set(page, bytes.slice().fill(0, Math.max(0, size - page * pageBytes)));
    }
    return copy;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): void {
    this.eachPart(position, length, (page, from, done, count) => {
      const found = this.pages.get(page);
      if (found === undefined) target.fill(0, offset + done, offset + done + count);
      else target.set(found.subarray(from, from + count), offset + done);
    });
  }

  write(source: Uint8Array, offset: number, length: number, position: number): void {
    this.eachPart(position, length, (page, from, done, count) => {
      const part = source.subarray(offset + done, offset + done + count);
      let found = this.pages.get(page);
      if (found === undefined) {
        if (part.every((byte) => byte === 0)) return;
        found = new Uint8Array(pageBytes);
        this.pages.set(page, found);
      }
      found.set(part, from);
    });
  }

  private eachPart(
    position: number,
    length: number,
    visit: (page: number, from: number, done: number, count: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const from = (position + done) % pageBytes;
      const count = Math.min(pageBytes - from, length - done);
      visit(Math.floor((position + done) / pageBytes), from, done, count);
      done += count;
    }
  }
}

/** A file as the system sees it, and as the disk holds it: the two differ by the sectors that wait to be synced. */
export class Inode {
  size = 0;
  private syncedSize = 0;
  private cache = new Pages();
  private disk = new Pages();
  private readonly dirty = new Set<number>();
  private readonly sector = new Uint8Array(sectorBytes);

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    this.cache.read(target, offset, count, position);
    return count;
  }

  /** Into the page cache only. */
  write(source: Uint8Array, offset: number, length: number, position: number): void {
    if (length === 0) return;
    this.cache.write(source, offset, length, position);
    this.size = Math.max(this.size, position + length);
    this.eachSector(position, length, (sector) => this.dirty.add(sector));
  }

  /** Puts the dirty sectors of a stretch on the disk, as O_DSYNC does: not those around it. */
  syncRange(position: number, length: number): void {
    this.eachSector(position, length, (sector) => this.flush(sector));
    this.syncedSize = this.size;
  }

  sync(): void {
    for (const sector of this.dirty) this.flush(sector);
    this.syncedSize = this.size;
  }

  /** What a failed sync does: the sectors are not on the disk, and nobody remembers that they should be. */
  forgetDirty(position: number = 0, length: number = this.size): void {
    this.eachSector(position, length, (sector) => this.dirty.delete(sector));
  }

  /** The power fails: each dirty sector is on the disk with the given chance; the cache is gone. */
  crash(random: Random, keptRatio: number): void {
    for (const sector of this.dirty) if (random() < keptRatio) this.flush(sector);
    this.dirty.clear();
    if (this.size !== this.syncedSize && random() >= keptRatio) this.size = this.syncedSize;
    this.syncedSize = this.size;
    this.disk = this.disk.copy(this.size);
    this.cache = this.disk.copy(this.size);
  }

  /** Changes the medium itself. */
  replace(bytes: Uint8Array): void {
    this.size = bytes.length;
    this.cache.write(bytes, 0, bytes.length, 0);
    this.eachSector(0, bytes.length, (sector) => this.dirty.add(sector));
    this.sync();
  }

  contents(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    this.cache.read(bytes, 0, this.size, 0);
    return bytes;
  }

  private flush(sector: number): void {
    if (!this.dirty.delete(sector)) return;
    this.cache.read(this.sector, 0, sectorBytes, sector * sectorBytes);
    this.disk.write(this.sector, 0, sectorBytes, sector * sectorBytes);
  }

  private eachSector(position: number, length: number, visit: (sector: number) => void): void {
    if (length === 0) return;
    const last = Math.floor((position + length - 1) / sectorBytes);
    for (let sector = Math.floor(position / sectorBytes); sector <= last; sector++) visit(sector);
  }
}
