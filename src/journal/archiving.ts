/** Moving what is cut off the log into the archive, and what is too old out of it. */
import type { Wal } from '../wal/segmented-wal.ts';
import type { Archive } from './archive.ts';
import type { ArchiveFile, SagaRecords } from './archive-file.ts';
import type { ArchivedLine } from './archived-line.ts';
import type { Position } from './journal.ts';
import type { SagaTree } from './saga-tree.ts';

/** What is read into memory at a time: so much of the log, and the rest of its last batch. */
const stretchBytes = 32 * 1024 * 1024;

/** Records of a stretch of the log, sorted by saga: all their bytes in one buffer, and where each stands. */
class Stretch {
  newest = 0;
  private bytes: Uint8Array;
  private length = 0;
  private readonly sagas = new Map<string, number[]>();

  constructor(expectedBytes: number) {
    this.bytes = new Uint8Array(expectedBytes);
  }

  add(record: Uint8Array, id: string, timestamp: number): void {
    const start = this.length;
    if (start + record.length > this.bytes.length) {
      const larger = new Uint8Array((start + record.length) * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(record, start);
    this.length += record.length;
    this.newest = Math.max(this.newest, timestamp);
    const places = this.sagas.get(id);
    if (places === undefined) this.sagas.set(id, [start, this.length]);
    else places.push(start, this.length);
  }

  *histories(): Generator<SagaRecords> {
    for (const [id, places] of this.sagas) {
      const records: Uint8Array[] = [];
      for (let at = 0; at < places.length; at += 2) records.push(this.bytes.subarray(places[at], places[at + 1]));
      yield { id, records };
    }
  }

  /** The sagas whose last append stands in the stretch and finished them. */
  linesOf(tree: SagaTree, from: Position, to: Position): ArchivedLine[] {
    const lines: ArchivedLine[] = [];
    for (const id of this.sagas.keys()) {
      const node = tree.get(id)?.node;
      if (node === undefined || !node.saga.finished || node.position < from || node.position >= to) continue;
      const facts = node.saga;
      lines.push({ id, birth: node.birth, position: node.position, facts, finishedAt: facts.updatedAt });
    }
    return lines.sort((left, right) => left.birth - right.birth);
  }
}

/** Archives the log up to a position between two batches; finished sagas leave the tree for the archive. */
export async function archiveUpTo(wal: Wal, tree: SagaTree, archive: Archive, end: Position): Promise<void> {
  for (let from = archive.endLsn ?? wal.firstLsn; from < end; ) {
    const stretch = new Stretch(Math.min(end - from, stretchBytes));
    const to = await wal.scan({ from, to: end, stopAfterBytes: stretchBytes }, ({ bytes, txId, timestamp }) =>
      stretch.add(bytes, txId, timestamp),
    );
    const lines = stretch.linesOf(tree, from, to);
    const { newest } = stretch;
    await archive.add({ from, to, newest, histories: stretch.histories(), lines }, () => tree.dropFinishedBefore(to));
    from = to;
  }
}

/** How long finished sagas, and tombstones of them, are kept, in ms. */
export interface Retention {
  readonly retentionMs: number;
  readonly tombstoneRetentionMs: number;
}

/** Forgets the sagas that are older than their retention, by the stamps of the log: `now` is the newest of them. */
export async function purge(archive: Archive, tree: SagaTree, now: number, retention: Retention): Promise<void> {
  // The newest first: a saga's line stands in the last of its files, and must be gone before any of its records is.
  const old = archive.all.filter((file) => !file.directory.purged && isOld(file, now, retention)).toReversed();
  for (const file of old) await purgeFile(archive, file, tree, now, retention);
}

/** Where the archive begins once the files are removed that hold nothing but tombstones which have served their time. */
export async function beginWithoutOutlived(
  archive: Archive,
  tree: SagaTree,
  now: number,
  retention: Retention,
): Promise<Position | undefined> {
  let begin = archive.startLsn;
  // From the front, so that the row has no gap. The last one stays: it says up to where the log is archived.
  for (const file of archive.all.slice(0, -1)) {
    const { newest, purged } = file.directory;
    if (!purged || newest + retention.tombstoneRetentionMs >= now) break;
    for await (const { id } of file.histories()) if (await isNeeded(archive, tree, id, now, retention)) return begin;
    begin = file.to;
  }
  return begin;
}

/** Removes the files before a position. Checkpoints say that the archive may begin there, so nobody will miss them. */
export async function removeBefore(archive: Archive, position: Position): Promise<void> {
  for (const { to } of archive.all.slice(0, -1)) if (to <= position) await archive.removeFirst();
}

async function purgeFile(
  archive: Archive,
  file: ArchiveFile,
  tree: SagaTree,
  now: number,
  retention: Retention,
): Promise<void> {
  async function* needed(): AsyncGenerator<SagaRecords> {
    for await (const history of file.histories())
      if (await isNeeded(archive, tree, history.id, now, retention)) yield history;
  }
  const tombstones: ArchivedLine[] = [];
  for await (const line of file.linesBefore(Infinity)) tombstones.push({ ...line, position: 0, facts: undefined });
  const { from, to, directory } = file;
  const lines = tombstones.toReversed();
  await archive.replace(file, { from, to, newest: directory.newest, purged: true, histories: needed(), lines });
}

/** Whether a saga lives, or its line stands in a file that is not old enough: then its whole history is still to be had. */
async function isNeeded(
  archive: Archive,
  tree: SagaTree,
  id: string,
  now: number,
  retention: Retention,
): Promise<boolean> {
  if (tree.get(id) !== undefined) return true;
  const located = await archive.locate(id);
  return located?.line.facts !== undefined && !isOld(located.file, now, retention);
}

function isOld({ directory }: ArchiveFile, now: number, { retentionMs }: Retention): boolean {
  return directory.newest + retentionMs < now;
}
