import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { WalCorruptError } from '../wal/wal-errors.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import { asideSuffix } from '../wal/whole-io.ts';
import { ArchiveFile } from './archive-file.ts';
import { type ArchiveContents, writeArchive } from './archive-writer.ts';
import type { ArchivedLine } from './archived-line.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import { hashOf, type IdHash } from './id-hash.ts';
import type { Position } from './journal.ts';
import { isListed, type ListedSaga, type ListQuery } from './list-query.ts';

const namePattern = /^[0-9a-f]{16}-[0-9a-f]{16}(\.purged)?\.arc$/;

/** What an archive is called. A purged one has another name than what it replaces: nobody reads the one for the other. */
export function archiveName(from: Position, to: Position, purged: boolean): string {
  const range = [from, to].map((position) => position.toString(16).padStart(16, '0')).join('-');
  return purged ? `${range}.purged.arc` : `${range}.arc`;
}

/** Names of archives, oldest first; what a purge had replaced, and was to remove when it was cut short, is left out. */
export function archivesAmong(names: readonly string[]): { readonly current: string[]; readonly replaced: string[] } {
  const all = names.filter((name) => namePattern.test(name)).toSorted();
  const replaced = all.filter((name) => all.includes(name.replace(/\.arc$/, '.purged.arc')));
  return { current: all.filter((name) => !replaced.includes(name)), replaced };
}

/** What an archive is opened with. */
export interface ArchiveOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly folder: string;
  readonly journalId: Uint8Array;
}

/** A line, and the file that it stands in. */
export interface LocatedLine {
  readonly line: ArchivedLine;
  readonly file: ArchiveFile;
}

/** The records and the finished sagas of what was cut off the log: a row of files, one for each stretch, oldest first. */
export class Archive {
  private readonly options: ArchiveOptions;
  private archives: readonly ArchiveFile[];
  /** Which file has a finished saga, by its number; numbers stay when a file is put in the place of another. */
  private readonly fingerprints = new FingerprintTable();
  private readonly numbers = new Map<number, Position>();
  private loaded = false;
  private loading: Promise<void> | undefined;

  private constructor(options: ArchiveOptions, archives: readonly ArchiveFile[]) {
    this.options = options;
    this.archives = archives;
    this.loaded = archives.length === 0;
  }

  static async open(options: ArchiveOptions): Promise<Archive> {
    const { files, folder, journalId } = options;
    const names = (await files.exists(folder)) ? await files.list(folder) : [];
    for (const name of names) if (name.endsWith(asideSuffix)) await files.remove(`${folder}/${name}`);
    const archives: ArchiveFile[] = [];
    const { current, replaced } = archivesAmong(names);
    for (const name of replaced) await files.remove(`${folder}/${name}`);
    for (const name of current) {
      const file = await ArchiveFile.open(files, `${folder}/${name}`, journalId);
      const end = archives.at(-1)?.to ?? file.from;
      if (file.from !== end || archiveName(file.from, file.to, file.directory.purged) !== name)
        throw damage(file.path, `it holds ${file.from} to ${file.to}, and the archive before it ends at ${end}`);
      archives.push(file);
    }
    return new Archive(options, archives);
  }

  /** Up to where the log is archived; `undefined` when nothing is. */
  get endLsn(): Position | undefined {
    return this.archives.at(-1)?.to;
  }

  /** Where the archive begins; `undefined` when nothing is archived. */
  get startLsn(): Position | undefined {
    return this.archives[0]?.from;
  }

  get all(): readonly ArchiveFile[] {
    return this.archives;
  }

  /** Whether a saga might have finished here. Costs no reading; `false` is certain. */
  mayHave(id: string): boolean {
    return !this.loaded || (this.archives.length > 0 && this.fingerprints.numbersOf(hashOf(id)).length > 0);
  }

  /** The line of a saga that finished and was archived, or its tombstone. */
  async find(id: string): Promise<ArchivedLine | undefined> {
    return (await this.locate(id))?.line;
  }

  /** The same, with the file that it stands in. */
  async locate(id: string): Promise<LocatedLine | undefined> {
    await this.load();
    return this.withCurrent(() => this.locateNow(id));
  }

  private async locateNow(id: string): Promise<LocatedLine | undefined> {
    const hash = hashOf(id);
    for (const number of this.fingerprints.numbersOf(hash).toReversed()) {
      const from = this.numbers.get(number);
      const file = this.archives.find((each) => each.from === from);
      const line = await file?.line(id, hash);
      if (file !== undefined && line !== undefined) return { line, file };
    }
    return undefined;
  }

  /** The records of a saga in the stretch that a position belongs to. */
  async history(id: string, position: Position): Promise<readonly WalRecord[]> {
    return this.withCurrent(async () => {
      const file = this.archives.find(({ from, to }) => position >= from && position < to);
      return file === undefined ? [] : file.history(id, hashOf(id));
    });
  }

  /** Finished sagas, newest first, as the archive is when this is called. */
  async list(query: ListQuery): Promise<ListedSaga[]> {
    return this.withCurrent(() => this.listNow(query));
  }

  private async listNow(query: ListQuery): Promise<ListedSaga[]> {
    const waiting = this.archives.toSorted((left, right) => right.directory.lastBirth - left.directory.lastBirth);
    const open: { line: ArchivedLine; readonly lines: AsyncGenerator<ArchivedLine> }[] = [];
    const found: ListedSaga[] = [];
    while (found.length < query.limit) {
      open.sort((left, right) => right.line.birth - left.line.birth);
      const [best] = open;
      // A file is opened only when it may have a newer line than those at hand.
      const [next] = waiting;
      if (next !== undefined && next.directory.lastBirth > (best?.line.birth ?? -1)) {
        waiting.shift();
        const lines = next.linesBefore(query.bornBefore);
        const first = await lines.next();
        if (first.done !== true) open.push({ line: first.value, lines });
        continue;
      }
      if (best === undefined) break;
      const { birth, facts } = best.line;
      if (facts !== undefined && isListed(query, facts)) {
        const { id, name, version, status, createdAt, updatedAt } = facts;
        found.push({ birth, summary: { id, name, version, status, createdAt, updatedAt } });
      }
      const following = await best.lines.next();
      if (following.done === true) open.shift();
      else best.line = following.value;
    }
    return found;
  }

  /** Puts another stretch behind the last. `taken` is called in the turn in which it can be found here. */
  async add(
    contents: Omit<ArchiveContents, 'folder' | 'name' | 'journalId' | 'purged'>,
    taken: () => void,
  ): Promise<void> {
    await this.options.files.makeDirectory(this.options.folder);
    await this.load();
    await this.removeLeftovers(contents.from);
    const file = await this.write({ ...contents, purged: false });
    this.archives = [...this.archives, file];
    const number = this.numberOf(file.from);
    for (const { id } of contents.lines) this.fingerprints.add(hashOf(id), number);
    taken();
  }

  /** A stretch that could not be read back when it had been written is on the disk, and is written again, to another end. */
  private async removeLeftovers(from: Position): Promise<void> {
    const { files, folder } = this.options;
    const [start = ''] = archiveName(from, from, false).split('-');
    const leftovers = (await files.list(folder)).filter((name) => namePattern.test(name) && name.startsWith(start));
    for (const name of leftovers) await files.remove(`${folder}/${name}`);
    if (leftovers.length > 0) await files.syncDirectory(folder);
  }

  /** Puts other contents in the place of a stretch. */
  async replace(old: ArchiveFile, contents: Omit<ArchiveContents, 'folder' | 'name' | 'journalId'>): Promise<void> {
    const file = await this.write(contents);
    this.archives = this.archives.map((each) => (each === old ? file : each));
    await this.options.files.remove(old.path);
    await this.options.files.syncDirectory(this.options.folder);
  }

  /** Reads again what was read from a file that was replaced meanwhile. */
  private async withCurrent<Result>(read: () => Promise<Result>): Promise<Result> {
    for (;;) {
      const before = this.archives;
      try {
        return await read();
      } catch (error) {
        if (before === this.archives || !isMissing(error)) throw error;
      }
    }
  }

  /** Removes the oldest stretch; nobody may need anything of it. */
  async removeFirst(): Promise<void> {
    const [first, ...rest] = this.archives;
    if (first === undefined) return;
    this.archives = rest;
    await this.options.files.remove(first.path);
    await this.options.files.syncDirectory(this.options.folder);
  }

  private async write(contents: Omit<ArchiveContents, 'folder' | 'name' | 'journalId'>): Promise<ArchiveFile> {
    const { files, clock, folder, journalId } = this.options;
    const name = archiveName(contents.from, contents.to, contents.purged);
    await writeArchive(files, clock, { ...contents, folder, name, journalId });
    return ArchiveFile.open(files, `${folder}/${name}`, journalId);
  }

  /** Reads which sagas finished where. Not at opening, which must not wait for years of sagas, but at the first question. */
  private load(): Promise<void> {
    this.loading ??= this.loadOnce().catch((error: unknown) => {
      // Whoever asks next tries again: a disk that could not be read once is not one that never can.
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async loadOnce(): Promise<void> {
    const loaded = new Set(this.numbers.values());
    for (const { from } of this.archives) {
      if (loaded.has(from)) continue;
      const hashes = await this.withCurrent(() => this.hashesFrom(from));
      const number = this.numberOf(from);
      for (const hash of hashes) this.fingerprints.add(hash, number);
    }
    this.loaded = true;
  }

  private async hashesFrom(from: Position): Promise<readonly IdHash[]> {
    return (await this.archives.find((file) => file.from === from)?.finishedHashes()) ?? [];
  }

  private numberOf(from: Position): number {
    const number = this.numbers.size + 1;
    this.numbers.set(number, from);
    return number;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

export function damage(file: string, what: string): WalCorruptError {
  return new WalCorruptError(what, { file, offset: 0, readableBefore: 0, readableAfter: undefined });
}
