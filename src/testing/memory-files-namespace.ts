import type { Random } from '../ports/random.ts';
import { Inode } from './memory-files-inode.ts';

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or folder "${path}"`), { code: 'ENOENT' });
}

function folderOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

type Entries = Map<string, Inode>;

/** A change of one folder's entries that its next sync makes durable. */
type Change = (entries: Entries) => void;

interface Folder {
  readonly entries: Entries;
  /** The entries as the disk holds them. */
  readonly synced: Entries;
  changes: Change[];
}

/** Names and what they stand for, as the system sees them and as the disk holds them. */
export class Namespace {
  private readonly folders = new Map<string, Folder>([['/', { entries: new Map(), synced: new Map(), changes: [] }]]);

  inode(path: string): Inode {
    const inode = this.folder(folderOf(path)).entries.get(path);
    if (inode === undefined) throw missing(path);
    return inode;
  }

  exists(path: string): boolean {
    return this.folders.has(path) || this.folders.get(folderOf(path))?.entries.has(path) === true;
  }

  list(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const folders = [...this.folders.keys()].filter((name) => name !== '/' && folderOf(name) === path);
    return [...this.folder(path).entries.keys(), ...folders].map((name) => name.slice(prefix.length));
  }

  makeFolder(path: string): void {
    for (let name = path; !this.folders.has(name); name = folderOf(name)) {
      this.folders.set(name, { entries: new Map(), synced: new Map(), changes: [] });
    }
  }

  create(path: string, inode: Inode): void {
    if (this.exists(path)) throw Object.assign(new Error(`EEXIST: "${path}" exists`), { code: 'EEXIST' });
    this.change(folderOf(path), (entries) => entries.set(path, inode));
  }

  remove(path: string): void {
    this.inode(path);
    this.change(folderOf(path), (entries) => entries.delete(path));
  }

  rename(from: string, to: string): void {
    const inode = this.inode(from);
    if (folderOf(from) !== folderOf(to))
      throw new Error(`Expected a rename within one folder, got "${from}" to "${to}"`);
    this.change(folderOf(from), (entries) => entries.delete(from) && entries.set(to, inode));
  }

  sync(path: string): void {
    const folder = this.folder(path);
    for (const change of folder.changes) change(folder.synced);
    folder.changes = [];
  }

  crash(random: Random, keptRatio: number): void {
    for (const folder of this.folders.values()) {
      const kept = Math.round(folder.changes.length * (keptRatio === 0 || keptRatio === 1 ? keptRatio : random()));
      for (const change of folder.changes.slice(0, kept)) change(folder.synced);
      folder.changes = [];
      folder.entries.clear();
      for (const [path, inode] of folder.synced) {
        inode.crash(random, keptRatio);
        folder.entries.set(path, inode);
      }
    }
  }

  /** Puts other bytes under a name, at once and for good. */
  replace(path: string, inode: Inode): void {
    const folder = this.folder(folderOf(path));
    folder.entries.set(path, inode);
    folder.synced.set(path, inode);
  }

  usedBytes(): number {
    let bytes = 0;
    for (const { entries } of this.folders.values()) for (const inode of entries.values()) bytes += inode.size;
    return bytes;
  }

  /** The same names over files of their own, everything durable. */
  clone(): Namespace {
    const copy = new Namespace();
    for (const [path, folder] of this.folders) {
      copy.makeFolder(path);
      for (const [name, inode] of folder.entries) {
        const twin = new Inode();
        twin.replace(inode.contents());
        copy.replace(name, twin);
      }
    }
    return copy;
  }

  private folder(path: string): Folder {
    const folder = this.folders.get(path);
    if (folder === undefined) throw missing(path);
    return folder;
  }

  private change(path: string, change: Change): void {
    const folder = this.folder(path);
    change(folder.entries);
    folder.changes.push(change);
  }
}
