import type { Clock } from '../ports/clock.ts';
import type { Files } from '../ports/files.ts';
import { blockKinds } from '../wal/block-file.ts';
import { BlockFileWriter } from '../wal/block-file-writer.ts';
import { FrameBuffer } from '../wal/frame-buffer.ts';
import { createWhole } from '../wal/whole-io.ts';
import {
  type ArchiveDirectory,
  type ArchiveEntry,
  compare,
  entriesInABlock,
  indexEntryBytes,
  type SagaRecords,
} from './archive-file.ts';
import { type ArchivedLine, archiveLineKinds, encodeArchivedLine } from './archived-line.ts';
import { hashOf } from './id-hash.ts';
import type { Position } from './journal.ts';

const blockBytes = 64 * 1024;

/** What goes into an archive, and what it is called. */
export interface ArchiveContents {
  readonly folder: string;
  readonly name: string;
  readonly journalId: Uint8Array;
  readonly from: Position;
  readonly to: Position;
  readonly newest: number;
  readonly purged: boolean;
  readonly histories: AsyncIterable<SagaRecords> | Iterable<SagaRecords>;
  /** In the order of their birth. */
  readonly lines: readonly ArchivedLine[];
}

type Place = { -readonly [Key in keyof ArchiveEntry]: ArchiveEntry[Key] };

class ArchiveWriting {
  private readonly places = new Map<string, Place>();
  private readonly writer: BlockFileWriter;

  constructor(writer: BlockFileWriter) {
    this.writer = writer;
  }

  async histories(histories: ArchiveContents['histories']): Promise<void> {
    for await (const { id, records } of histories) {
      const place = this.place(id);
      place.recordsBlock = this.writer.offset;
      for (const [index, record] of records.entries()) {
        const at = this.writer.addBytes(record, 1);
        if (index === 0) place.recordsAt = at;
      }
      if (this.writer.isFull) await this.writer.endBlock();
    }
    await this.writer.endBlock();
  }

  async lines(lines: readonly ArchivedLine[]): Promise<ArchiveDirectory['lines']> {
    const blocks: { at: number; birth: Position }[] = [];
    for (const line of lines) {
      const place = this.place(line.id);
      place.lineBlock = this.writer.offset;
      place.lineAt = this.writer.addRecord(encodeArchivedLine(line));
      if (blocks.at(-1)?.at !== place.lineBlock) blocks.push({ at: place.lineBlock, birth: line.birth });
      if (this.writer.isFull) await this.writer.endBlock();
    }
    await this.writer.endBlock();
    return blocks;
  }

  async index(): Promise<{ readonly entries: number; readonly indexAt: number }> {
    const indexAt = this.writer.offset;
    const sorted = [...this.places.values()].sort((left, right) => compare(left.hash, right.hash));
    const frame = new FrameBuffer(indexEntryBytes);
    for (const [number, { hash, recordsBlock, recordsAt, lineBlock, lineAt }] of sorted.entries()) {
      frame.words.set([hash.low, hash.high], 0);
      frame.setUint64(8, recordsBlock);
      frame.words.set([recordsAt, lineAt], 4);
      frame.setUint64(24, lineBlock);
      this.writer.addBytes(frame.bytes, 1);
      if (number % entriesInABlock === entriesInABlock - 1) await this.writer.endBlock(blockKinds.index);
    }
    await this.writer.endBlock(blockKinds.index);
    return { entries: sorted.length, indexAt };
  }

  private place(id: string): Place {
    let place = this.places.get(id);
    if (place === undefined) {
      place = { hash: hashOf(id), recordsBlock: 0, recordsAt: 0, lineBlock: 0, lineAt: 0 };
      this.places.set(id, place);
    }
    return place;
  }
}

/** Writes an archive; it has its name, also that of an older one, once all of it is on the disk. */
export async function writeArchive(files: Files, clock: Clock, contents: ArchiveContents): Promise<void> {
  const { folder, name, journalId, from, to, newest, purged } = contents;
  await createWhole(files, folder, name, async (file) => {
    const writer = new BlockFileWriter(file, blockBytes);
    await writer.begin('archive', {
      journalId,
      fromLsn: from,
      lsn: to,
      lastFrameLsn: 0,
      previousCrc: 0,
      createdAt: clock.now(),
    });
    const writing = new ArchiveWriting(writer);
    await writing.histories(contents.histories);
    const lines = await writing.lines(contents.lines);
    const index = await writing.index();
    const lastBirth = contents.lines.at(-1)?.birth ?? 0;
    const directory: ArchiveDirectory = { ...index, lines, lastBirth, newest, purged };
    const directoryAt = writer.offset;
    const head = { kind: archiveLineKinds.directory, state: 0, timestamp: newest, txId: '', stepId: '' };
    writer.addRecord({ ...head, payload: JSON.stringify(directory) });
    await writer.finish(directoryAt);
  });
}
