import type { ArchiveDirectory } from '../../journal/archive-file.ts';
import { archiveLineKinds } from '../../journal/archived-line.ts';
import type { Files, OpenFile } from '../../ports/files.ts';
import { type Block, BlockFileReader } from '../../wal/block-file-reader.ts';
import {
  blockFileHeadBytes,
  blockHeadBytes,
  blockKinds,
  chainBlocks,
  decodeBlockHead,
  trailerBytes,
} from '../../wal/block-file.ts';
import { FrameBuffer } from '../../wal/frame-buffer.ts';
import { WalCorruptError } from '../../wal/wal-errors.ts';
import type { Lsn, WalRecord } from '../../wal/wal-record.ts';
import { readWhole, withFile } from '../../wal/whole-io.ts';
import { whatOf } from './checkpoint-audit.ts';

/** A place at which an archive is not what was written. */
export interface ArchiveDamage {
  readonly file: string;
  readonly offset: number;
  readonly what: string;
  /** Records of sagas, in the file, that are whole before this place, and behind it. */
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  /** Offset of the next whole block. */
  readonly wholeFrom: number | undefined;
}

/** One archive as it was found. */
export interface AuditedArchive {
  readonly name: string;
  readonly file: string;
  /** The stretch of the log that it holds. */
  readonly from: Lsn;
  readonly to: Lsn;
  readonly bytes: number;
  readonly records: number;
  /** Sagas that finished in the stretch, and those of them that were purged. */
  readonly finished: number;
  readonly tombstones: number;
  /** When the first and the last of them finished, ms since 1970. */
  readonly firstEnd: number | undefined;
  readonly lastEnd: number | undefined;
  readonly damages: readonly ArchiveDamage[];
}

/** Options of `auditArchive`. */
export interface ArchiveAuditOptions {
  readonly files: Files;
  readonly folder: string;
  readonly journalId: Uint8Array;
  readonly signal?: AbortSignal;
  /** Is given every whole record of a saga in the order of the file; its payload holds only during the call. */
  readonly onRecord?: (record: WalRecord) => void;
  /** Is waited for behind the records of each block. */
  readonly onBlock?: () => Promise<void>;
}

const searchBytes = 1024 * 1024;
const firstLineKind = Math.min(...Object.values(archiveLineKinds));

/** The stretch that an archive's name tells of. */
export function stretchOf(name: string): readonly [from: Lsn, to: Lsn] {
  return [Number.parseInt(name.slice(0, 16), 16), Number.parseInt(name.slice(17, 33), 16)];
}

/** Reads one archive to its end, whatever is damaged on the way. */
class ArchiveReading {
  readonly damages: { -readonly [Key in keyof ArchiveDamage]: ArchiveDamage[Key] }[] = [];
  records = 0;
  finished = 0;
  tombstones = 0;
  firstEnd: number | undefined;
  lastEnd: number | undefined;
  private blocks = 0;
  private counted = 0;
  private chain = 0;
  private entries = 0;
  private readonly file: OpenFile;
  private readonly reader: BlockFileReader;
  private readonly size: number;
  private readonly options: ArchiveAuditOptions;

  constructor(file: OpenFile, reader: BlockFileReader, size: number, options: ArchiveAuditOptions) {
    this.file = file;
    this.reader = reader;
    this.size = size;
    this.options = options;
  }

  async run([from, to]: readonly [Lsn, Lsn]): Promise<void> {
    await this.noting(async () => {
      const head = await this.reader.head('archive', this.options.journalId);
      if (head.fromLsn !== from || head.lsn !== to)
        throw this.reader.corrupt(`it holds ${head.fromLsn} to ${head.lsn}, which is not what its name says`, 0);
    });
    const end = this.size - trailerBytes;
    for (let offset = blockFileHeadBytes; offset < end; ) {
      this.options.signal?.throwIfAborted();
      let next: number | undefined;
      const isWhole = await this.noting(async () => {
        const block = await this.reader.block(offset);
        next = block.end;
        await this.take(block);
      });
      if (!isWhole) next = await this.wholeBlockFrom(offset + 8, end);
      if (next === undefined) return;
      offset = next;
    }
    await this.noting(() => this.judgeEnd(end));
  }

  /** What is wrong is written down, and the reading goes on. */
  private async noting(read: () => Promise<void>): Promise<boolean> {
    try {
      await read();
      return true;
    } catch (error) {
      if (!(error instanceof WalCorruptError)) throw error;
      const { file, offset } = error;
      // A block that is read twice, for its own sake and as that to which the end leads, is damaged once.
      if (this.damages.some((one) => one.offset === offset)) return false;
      const what = whatOf(error);
      this.damages.push({ file, offset, what, recordsBefore: this.records, recordsAfter: 0, wholeFrom: undefined });
      return false;
    }
  }

  private async take(block: Block): Promise<void> {
    const { head } = block;
    if (head.kind === blockKinds.trailer) throw this.reader.corrupt('its end stands in the middle of it', head.offset);
    if (head.kind === blockKinds.records) {
      const records = [...this.reader.records(block)];
      for (const record of records) this.takeRecord(record);
      await this.options.onBlock?.();
    } else this.entries += head.count;
    this.blocks++;
    this.counted += head.count;
    this.chain = chainBlocks(this.chain, head.crc);
  }

  private takeRecord(record: WalRecord): void {
    if (record.kind < firstLineKind) {
      this.records++;
      this.options.onRecord?.(record);
      return;
    }
    if (record.kind === archiveLineKinds.directory) return;
    if (record.kind === archiveLineKinds.tombstone) this.tombstones++;
    else this.finished++;
    this.firstEnd = Math.min(this.firstEnd ?? Infinity, record.timestamp);
    this.lastEnd = Math.max(this.lastEnd ?? -Infinity, record.timestamp);
  }

  /** Where the next whole block begins, the end of the file included. */
  private async wholeBlockFrom(from: number, end: number): Promise<number | undefined> {
    const found = await this.searchBlock(from);
    const damage = this.damages.at(-1);
    if (damage !== undefined) damage.wholeFrom = found;
    return found ?? (from < end ? end : undefined);
  }

  private async searchBlock(from: number): Promise<number | undefined> {
    for (let start = from; start + blockHeadBytes <= this.size; start += searchBytes) {
      // So much more than is searched that a head which begins in it is whole.
      const length = Math.min(searchBytes + blockHeadBytes, this.size - start) & ~7;
      const frame = new FrameBuffer(length);
      await readWhole(this.file, this.reader.path, frame.bytes, 0, length, start);
      for (let at = 0; at + blockHeadBytes <= length; at += 8) {
        const head = new FrameBuffer(blockHeadBytes);
        head.bytes.set(frame.bytes.subarray(at, at + blockHeadBytes));
        if (decodeBlockHead(head, start + at) !== undefined) return start + at;
      }
    }
    return undefined;
  }

  private async judgeEnd(end: number): Promise<void> {
    const trailer = await this.reader.trailer();
    const [record] = this.reader.records(await this.reader.block(trailer.directoryAt));
    if (record?.kind !== archiveLineKinds.directory)
      throw this.reader.corrupt('it has no directory', trailer.directoryAt);
    if (this.damages.length > 0) return;
    const directory = JSON.parse(new TextDecoder().decode(record.payload)) as ArchiveDirectory;
    const isAll = trailer.blocks === this.blocks && trailer.records === this.counted && trailer.chain === this.chain;
    if (!isAll || directory.entries !== this.entries)
      throw this.reader.corrupt(
        `its end tells of ${trailer.blocks} blocks, and ${this.blocks} or others are there`,
        end,
      );
  }
}

/**
 * Reads an archive with every checksum: head, blocks, each record, and the sum over all. Damage does not end the reading.
 *
 * @returns `undefined` when the file is gone: a writer removes what it has purged.
 */
export async function auditArchive(name: string, options: ArchiveAuditOptions): Promise<AuditedArchive | undefined> {
  const file = `${options.folder}/${name}`;
  const [from, to] = stretchOf(name);
  try {
    return await withFile(options.files.open(file, 'read'), async (opened) => {
      const bytes = await opened.size();
      const reading = new ArchiveReading(opened, await BlockFileReader.on(opened, file), bytes, options);
      await reading.run([from, to]);
      const { records, finished, tombstones, firstEnd, lastEnd, damages } = reading;
      for (const damage of damages) damage.recordsAfter = records - damage.recordsBefore;
      return { name, file, from, to, bytes, records, finished, tombstones, firstEnd, lastEnd, damages };
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
