import type { Files } from '../../ports/files.ts';
import { cryptoRandom } from '../../ports/random.ts';
import { LogFolder } from '../../wal/log-folder.ts';
import type { JournalFile } from '../../wal/segment-header.ts';
import { openWal } from '../../wal/wal.ts';
import { createWhole, readWhole, withFile, writeWhole } from '../../wal/whole-io.ts';
import { segmentName } from './log-listing.ts';
import type { RepairPlan, RepairStep } from './repair-plan.ts';

const chunkBytes = 1024 * 1024;

/** Carries a plan out under the log's lock. Every byte it replaces is put aside, synced, before it is replaced. */
class Repair {
  /** Files that hold what was replaced or taken away. */
  readonly aside: string[] = [];
  private readonly path: string;
  private readonly files: Files;
  private readonly journal: JournalFile;

  constructor(path: string, files: Files, journal: JournalFile) {
    this.path = path;
    this.files = files;
    this.journal = journal;
  }

  async run(step: RepairStep): Promise<void> {
    switch (step.action) {
      case 'write-journal':
        return this.writeJournal(step.bytes);
      case 'patch': {
        const { seq, offset, bytes } = step;
        await this.copyAside(seq, offset, bytes.length);
        return this.write(seq, offset, bytes.length, () => bytes);
      }
      case 'set-aside':
        return this.setAside(segmentName(step.seq));
      case 'cut':
        for (const name of step.checkpoints) await this.setAside(name);
        return this.cut(step.seq, step.offset, step.later);
      case 'drop-checkpoint':
        return this.setAside(step.name);
      case 'leave':
        return;
      case 'open':
        // Carried out by opening the log, once the lock is free again.
        return;
    }
  }

  private async writeJournal(bytes: Uint8Array): Promise<void> {
    if (await this.files.exists(`${this.path}/JOURNAL`)) await this.setAside('JOURNAL');
    await createWhole(this.files, this.path, 'JOURNAL', (file) => writeWhole(file, bytes, 0, bytes.length, 0));
  }

  // The latest first: cut short by a crash at any of these, the log still has no gap.
  private async cut(seq: number, offset: number | undefined, later: readonly number[]): Promise<void> {
    for (const one of later.toReversed()) await this.setAside(segmentName(one));
    if (offset !== undefined) {
      const bytes = this.journal.segmentBytes - offset;
      await this.copyAside(seq, offset, bytes);
      const zeros = new Uint8Array(chunkBytes);
      return this.write(seq, offset, bytes, (length) => zeros.subarray(0, length));
    }
    if (await this.files.exists(`${this.path}/${segmentName(seq)}`)) await this.setAside(segmentName(seq));
    return new LogFolder(this.path, this.files, cryptoRandom, this.journal).createSegment(seq);
  }

  private async write(
    seq: number,
    offset: number,
    bytes: number,
    chunk: (length: number) => Uint8Array,
  ): Promise<void> {
    await withFile(this.files.open(`${this.path}/${segmentName(seq)}`, 'write'), async (file) => {
      for (let done = 0; done < bytes; done += chunkBytes) {
        const length = Math.min(chunkBytes, bytes - done);
        await writeWhole(file, chunk(length), 0, length, offset + done);
      }
      await file.sync();
    });
  }

  private async copyAside(seq: number, offset: number, bytes: number): Promise<void> {
    const source = `${this.path}/${segmentName(seq)}`;
    const position = (seq * this.journal.segmentBytes + offset).toString(16).padStart(16, '0');
    const name = await this.freeName(`damaged-${position}`, '.bin');
    await withFile(this.files.open(source, 'read'), (segment) =>
      createWhole(this.files, this.path, name, async (copy) => {
        const chunk = new Uint8Array(chunkBytes);
        for (let done = 0; done < bytes; done += chunkBytes) {
          const wanted = Math.min(chunkBytes, bytes - done);
          const count = await readWhole(segment, source, chunk, 0, wanted, offset + done);
          await writeWhole(copy, chunk, 0, count, done);
        }
      }),
    );
    this.aside.push(name);
  }

  private async setAside(name: string): Promise<void> {
    const stem = name.replace(/\.\w+$/, '');
    const aside = await this.freeName(`damaged-${stem}`, /\.(?:seg|ckpt)$/.exec(name)?.[0] ?? '.bin');
    await this.files.rename(`${this.path}/${name}`, `${this.path}/${aside}`);
    await this.files.syncDirectory(this.path);
    this.aside.push(aside);
  }

  private async freeName(stem: string, suffix: string): Promise<string> {
    const names = new Set(await this.files.list(this.path));
    for (let number = 1; ; number++) if (!names.has(`${stem}-${number}${suffix}`)) return `${stem}-${number}${suffix}`;
  }
}

/**
 * Does what a plan says.
 *
 * @returns the names of the files that hold what was replaced.
 * @throws {FileLockedError} when a writer has the log; then nothing was changed.
 */
export async function applyRepair(
  path: string,
  plan: RepairPlan,
  options: { readonly files: Files; readonly journal: JournalFile },
): Promise<readonly string[]> {
  const { files, journal } = options;
  const repair = new Repair(path, files, journal);
  const lock = await files.lock(`${path}/LOCK`);
  try {
    for (const step of plan.steps) await repair.run(step);
  } finally {
    await lock.release();
  }
  if (!plan.steps.some(({ action }) => action === 'open')) return repair.aside;
  const wal = await openWal(path, { files });
  await wal.close();
  const torn = wal.recovered.tornTail;
  return torn === undefined ? repair.aside : [...repair.aside, torn.savedTo.slice(path.length + 1)];
}
