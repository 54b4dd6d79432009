/** A bug as a replacement of one stretch of source, which must stand there exactly once. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const recovery = 'src/wal/recovery.ts';
const writer = 'src/wal/log-writer.ts';
const wholeIo = 'src/wal/whole-io.ts';
const tail = 'src/wal/tail-repair.ts';

/** Bugs that logs have had, one at a time. */
export const mutants: readonly Mutant[] = [
  {
    name: 'the checksum of a batch is not looked at',
    file: recovery,
    from: 'if (systemCrc32(frame.bytes.subarray(start, end)) !== header.bodyCrc) {',
    to: 'if (frame.bytes.length < 0) {',
  },
  {
    name: 'damage in the middle is read as torn (doltlite#1341)',
    file: recovery,
    from: 'if (rest.nextBatch !== undefined) throw',
    to: 'if (rest.usedEnd < 0) throw',
  },
  {
    name: 'the chain of batches is not followed',
    file: recovery,
    from: "if (header.previousCrc !== this.previousCrc) return 'the batch there does not follow the one before it';",
    to: '',
  },
  {
    name: 'a missing segment is stepped over',
    file: 'src/wal/log-folder.ts',
    from: 'if (seq !== first + index) throw',
    to: 'if (seq < 0) throw',
  },
  {
    name: 'an append is acknowledged before it is synced',
    file: writer,
    from: "'write', { durable: true })",
    to: "'write', { durable: false })",
  },
  {
    name: 'a failed sync is tried again and believed (fsyncgate)',
    file: writer,
    from: 'await writeWhole(segment.durable, batch.frame.bytes, 0, batch.length, this.folder.offsetOf(batch.startLsn));',
    to: 'await writeWhole(segment.durable, batch.frame.bytes, 0, batch.length, this.folder.offsetOf(batch.startLsn)).catch(() => segment.durable.sync());',
  },
  {
    name: 'the end of a segment is not synced before the next one is used',
    file: writer,
    from: "this.writeEmptyBatch(batchKinds.segmentEnd, 'durable')",
    to: "this.writeEmptyBatch(batchKinds.segmentEnd, 'unsynced')",
  },
  {
    name: 'the log goes on after a failed write (cockroach#37216)',
    file: 'src/wal/group-commit.ts',
    from: 'this.failed = error;',
    to: '',
  },
  {
    name: 'the folder is not synced after a file got its name (leveldb#195, rocksdb#10573)',
    file: wholeIo,
    from: 'await files.rename(aside, path);\n  await files.syncDirectory(folder);',
    to: 'await files.rename(aside, path);',
  },
  {
    name: 'a file gets its name before its bytes are synced',
    file: wholeIo,
    from: 'await file.sync();',
    to: '',
  },
  {
    name: 'EIO is read as the end of the log (rocksdb#6288)',
    file: wholeIo,
    from: 'throw new WalReadError(path, position + done, { cause: error });',
    to: 'done += 0;',
  },
  {
    name: 'a short write is taken for a whole one',
    file: wholeIo,
    from: 'const written = await file.write(source, start + done, end - start - done, position + done);',
    to: 'const written = end - start + 0 * (await file.write(source, start + done, end - start - done, position + done));',
  },
  {
    name: 'a torn tail is not cleared before appending behind it (cqlite#1390)',
    file: tail,
    from: 'for (let done = 0; done < torn.bytes; done += zeros.length) {',
    to: 'for (let done = torn.bytes; done < torn.bytes; done += zeros.length) {',
  },
  {
    name: 'the page cache is believed after a failed sync',
    file: tail,
    from: 'if (!scanned.marked && scanned.lastFrame !== undefined)',
    to: 'if (scanned.bytes < 0 && scanned.lastFrame !== undefined)',
  },
  {
    name: 'a checkpoint of a longer log is used',
    file: 'src/wal/wal.ts',
    from: 'await checkFollowsLog(folder, head);',
    to: '',
  },
  {
    name: 'the checksum of a block of a checkpoint or an archive is not looked at',
    file: 'src/wal/block-file-reader.ts',
    from: 'if (systemCrc32(frame.bytes.subarray(blockHeadBytes)) !== head.bodyCrc)',
    to: 'if (frame.bytes.length < 0)',
  },
  {
    name: 'the newest archive is missing and nobody asks for it',
    file: 'src/journal/wal-journal.ts',
    from: 'if (end < archivedTo)',
    to: 'if (end < 0)',
  },
  {
    name: 'the oldest archive is missing and nobody asks for it',
    file: 'src/journal/wal-journal.ts',
    from: 'if (begin > archivedFrom)',
    to: 'if (begin < 0)',
  },
];
