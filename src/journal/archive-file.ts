/**
 * An archive: the records of a stretch of the log, sorted by saga, so that its segments can go. A file of blocks:
 *
 * - blocks of records: for each saga its records of the stretch, in order, as the log had them; never across two blocks
 * - blocks of records: the sagas that finished in the stretch, in the order of their birth. Kind 253, payload `1 birth json`;
 *   kind 254, a tombstone: of a saga that was purged, only that it was there
 * - blocks of an index, by the hash of the id, entries of 32 bytes: 0 u64 hash · 8 u64 offset of the block with its
 *   records, 0 for none · 16 u32 offset in that block · 20 u32 offset in the block of · 24 u64 its line, 0 for none
 * - one record, kind 255: the directory, as JSON; the trailer leads to it
 */
import type { Files } from '../ports/files.ts';
import { type Block, BlockFileReader, type StoredRecord } from '../wal/block-file-reader.ts';
import { blockFileHeadBytes, blockHeadBytes } from '../wal/block-file.ts';
import type { WalRecord } from '../wal/wal-record.ts';
import { withFile } from '../wal/whole-io.ts';
import { decodeArchivedLine, type ArchivedLine } from './archived-line.ts';
import type { IdHash } from './id-hash.ts';
import type { Position } from './journal.ts';

export const indexEntryBytes = 32;
export const entriesInABlock = 2048;

/** What an archive says of itself. */
export interface ArchiveDirectory {
  /** Entries of the index, and where it begins. */
  readonly entries: number;
  readonly indexAt: number;
  /** Where each block of lines stands, and the birth of its first line. */
  readonly lines: readonly { readonly at: number; readonly birth: Position }[];
  /** The last birth among the lines. */
  readonly lastBirth: Position;
  /** The newest timestamp among its records, ms since 1970. */
  readonly newest: number;
  /** Whether its finished sagas have been purged. */
  readonly purged: boolean;
}

/** The records of one saga, each as the log has it. */
export interface SagaRecords {
  readonly id: string;
  readonly records: readonly Uint8Array[];
}

/** Where a saga's things stand in an archive. */
export interface ArchiveEntry {
  readonly hash: IdHash;
  readonly recordsBlock: number;
  readonly recordsAt: number;
  readonly lineBlock: number;
  readonly lineAt: number;
}

/** One archive on the disk. It never changes; purging puts another in its place. */
export class ArchiveFile {
  readonly path: string;
  readonly from: Position;
  readonly to: Position;
  readonly directory: ArchiveDirectory;
  private readonly files: Files;

  private constructor(files: Files, path: string, range: readonly [Position, Position], directory: ArchiveDirectory) {
    this.files = files;
    this.path = path;
    [this.from, this.to] = range;
    this.directory = directory;
  }

  static async open(files: Files, path: string, journalId: Uint8Array): Promise<ArchiveFile> {
    return withFile(files.open(path, 'read'), async (file) => {
      const reader = await BlockFileReader.on(file, path);
      const head = await reader.head('archive', journalId);
      const { directoryAt } = await reader.trailer();
      const [record] = reader.records(await reader.block(directoryAt));
      if (record === undefined) throw reader.corrupt('it has no directory', directoryAt);
      const directory = JSON.parse(new TextDecoder().decode(record.payload)) as ArchiveDirectory;
      return new ArchiveFile(files, path, [head.fromLsn, head.lsn], directory);
    });
  }

  /** Lets `use` read the file, which stays open meanwhile. */
  reading<Result>(use: (reader: BlockFileReader) => Promise<Result>): Promise<Result> {
    return withFile(this.files.open(this.path, 'read'), async (file) => use(await BlockFileReader.on(file, this.path)));
  }

  /** The records that the stretch has of a saga, in order; payloads are the caller's to keep. */
  history(id: string, hash: IdHash): Promise<readonly WalRecord[]> {
    return this.reading(async (reader) => {
      for (const entry of await this.entriesOf(reader, hash)) {
        if (entry.recordsBlock === 0) continue;
        const records = recordsOf(reader, await reader.block(entry.recordsBlock), entry.recordsAt);
        if (records[0]?.txId === id) return records;
      }
      return [];
    });
  }

  /** The line of a saga that finished in the stretch. */
  line(id: string, hash: IdHash): Promise<ArchivedLine | undefined> {
    return this.reading(async (reader) => {
      for (const entry of await this.entriesOf(reader, hash)) {
        if (entry.lineBlock === 0) continue;
        const [record] = reader.records(await reader.block(entry.lineBlock), entry.lineAt);
        if (record?.txId === id) return decodeArchivedLine(record);
      }
      return undefined;
    });
  }

  /** Lines of sagas born before a position, newest first. */
  async *linesBefore(bornBefore: Position): AsyncGenerator<ArchivedLine> {
    for (const { at, birth } of this.directory.lines.toReversed()) {
      if (birth >= bornBefore) continue;
      const lines = await this.reading(async (reader) =>
        [...reader.records(await reader.block(at))].map(decodeArchivedLine),
      );
      for (const line of lines.toReversed()) if (line.birth < bornBefore) yield line;
    }
  }

  /** Hashes of the sagas that have a line here. */
  finishedHashes(): Promise<readonly IdHash[]> {
    return this.reading(async (reader) => {
      const hashes: IdHash[] = [];
      const blocks = Math.ceil(this.directory.entries / entriesInABlock);
      for (let number = 0; number < blocks; number++) {
        const block = await this.indexBlock(reader, number);
        for (let place = 0; place < block.head.count; place++) {
          const entry = entryAt(block, place);
          if (entry.lineBlock !== 0) hashes.push(entry.hash);
        }
      }
      return hashes;
    });
  }

  /** The records of every saga of the stretch, as bytes. */
  async *histories(): AsyncGenerator<SagaRecords> {
    const end = this.directory.lines[0]?.at ?? this.directory.indexAt;
    for (let at = blockFileHeadBytes; at < end; ) {
      const block = await this.reading((reader) => reader.block(at));
      yield* sagasOf(await this.reading((reader) => Promise.resolve([...reader.frames(block)])));
      at = block.end;
    }
  }

  private indexBlock(reader: BlockFileReader, number: number): Promise<Block> {
    return reader.block(this.directory.indexAt + number * (blockHeadBytes + entriesInABlock * indexEntryBytes));
  }

  /** All entries with a hash: one, unless two ids share it. Hashes spread evenly, so the first guess is near. */
  private async entriesOf(reader: BlockFileReader, hash: IdHash): Promise<ArchiveEntry[]> {
    const { entries } = this.directory;
    if (entries === 0) return [];
    const last = Math.ceil(entries / entriesInABlock) - 1;
    let number = Math.min(last, Math.floor(((hash.high / 2 ** 32) * entries) / entriesInABlock));
    let block = await this.indexBlock(reader, number);
    while (number > 0 && compare(entryAt(block, 0).hash, hash) >= 0) block = await this.indexBlock(reader, --number);
    const found: ArchiveEntry[] = [];
    for (;;) {
      for (let place = 0; place < block.head.count; place++) {
        const entry = entryAt(block, place);
        const order = compare(entry.hash, hash);
        if (order > 0) return found;
        if (order === 0) found.push(entry);
      }
      if (number === last) return found;
      block = await this.indexBlock(reader, ++number);
    }
  }
}

/** Records that stand one behind the other, sorted by saga already. */
function* sagasOf(frames: readonly StoredRecord[]): Generator<SagaRecords> {
  for (let from = 0; from < frames.length; ) {
    const id = frames[from]?.record.txId ?? '';
    let to = from;
    while (frames[to]?.record.txId === id) to++;
    yield { id, records: frames.slice(from, to).map(({ bytes }) => bytes) };
    from = to;
  }
}

/** The records of the saga that stands at a place of a block. */
function recordsOf(reader: BlockFileReader, block: Block, at: number): WalRecord[] {
  const records: WalRecord[] = [];
  for (const record of reader.records(block, at)) {
    if (records.length > 0 && record.txId !== records[0]?.txId) break;
    records.push({ ...record, payload: record.payload.slice() });
  }
  return records;
}

export function compare(left: IdHash, right: IdHash): number {
  return left.high - right.high || left.low - right.low;
}

function entryAt({ frame }: Block, place: number): ArchiveEntry {
  const at = blockHeadBytes + place * indexEntryBytes;
  return {
    hash: { low: frame.uint32(at), high: frame.uint32(at + 4) },
    recordsBlock: frame.uint64(at + 8),
    recordsAt: frame.uint32(at + 16),
    lineAt: frame.uint32(at + 20),
    lineBlock: frame.uint64(at + 24),
  };
}
