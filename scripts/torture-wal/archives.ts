/** Damage in the archive: nothing wrong is ever given out, and what cannot be read is an error, never "not found". */
import { auditLog } from '../../src/cli/wal/log-audit.ts';
import { archiveFolder, auditArchives, listArchives } from '../../src/cli/wal/archive-row.ts';
import { auditArchive } from '../../src/cli/wal/archive-audit.ts';
import { AppendConflictError } from '../../src/journal/journal.ts';
import { openWalJournal } from '../../src/journal/wal-journal.ts';
import { seededRandom } from '../../src/ports/random.ts';
import { type MemoryFiles, memoryFiles } from '../../src/testing/memory-files.ts';
import { testClock } from '../../src/testing/test-clock.ts';
import { WalCorruptError } from '../../src/wal/wal-errors.ts';
import { beginning, sagaIds, smallJournal, writeArchivedJournal } from '../../test/integration/archived-journal.ts';
import { flipBit } from '../../test/property/wal-disk.ts';
import type { Effort, Tally, Torture } from './tally.ts';

const path = '/archived';
const clock = testClock();

/** A journal on a disk of its own, of which one small archive is looked at. */
interface World {
  readonly files: MemoryFiles;
  readonly names: readonly string[];
  /** The archive, what it is called, and the sagas of which it has records. */
  readonly file: string;
  readonly sagas: readonly string[];
  /** What reading each of these sagas, and listing all, gave while all was whole. */
  readonly wanted: readonly string[];
  readonly journalId: Uint8Array;
}

const options = { ...smallJournal, checkpointBytes: 1024, clock };

/** What was asked for, or `undefined` when it was refused for damage. */
async function unlessDamaged<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WalCorruptError) return undefined;
    throw error;
  }
}

/** What a journal says, question by question, as JSON; a refusal for damage is `undefined`. */
async function answers(files: MemoryFiles, sagas: readonly string[]): Promise<readonly (string | undefined)[]> {
  const journal = await unlessDamaged(() => openWalJournal(path, { ...options, files, random: seededRandom(5) }));
  if (journal === undefined) return [undefined];
  try {
    const said: unknown[] = [await unlessDamaged(() => journal.list({ limit: 1000 }))];
    for (const id of sagas) {
      said.push(await unlessDamaged(() => journal.read(id)));
      said.push(await unlessDamaged(async () => (await journal.state(id)) ?? 'not there'));
      const { epoch } = journal;
      const again = journal.append(id, beginning(id, epoch), { epoch, expectedSeq: 0 });
      said.push(await unlessDamaged(() => again.then(() => 'started again', conflictOf)));
    }
    return said.map((answer) => (answer === undefined ? undefined : JSON.stringify(answer)));
  } finally {
    await journal.close();
  }
}

function conflictOf(error: unknown): number {
  if (error instanceof AppendConflictError) return error.actualSeq;
  throw error;
}

async function world(): Promise<World> {
  const files = memoryFiles();
  await writeArchivedJournal(path, sagaIds(24), { ...options, files, random: seededRandom(3) }, () => clock.settle());
  const names = await listArchives(files, path);
  const { journal, listing } = await auditLog(path, { files });
  if (journal === undefined || names.length < 4 || listing.segments[0] === 0)
    throw new Error('the journal is not long enough to have archives');
  const { journalId } = journal;
  const sagas = new Set<string>();
  const [, name = ''] = names;
  const onRecord = ({ txId }: { readonly txId: string }): void => void sagas.add(txId);
  await auditArchive(name, { files, folder: archiveFolder(path), journalId, onRecord });
  const wanted = await answers(files.clone(seededRandom(1)), [...sagas]);
  const whole = wanted.flatMap((answer) => answer ?? []);
  if (whole.length < wanted.length) throw new Error('a journal without damage is refused');
  return { files, names, file: `${archiveFolder(path)}/${name}`, sagas: [...sagas], wanted: whole, journalId };
}

/** Reads the damaged archive both ways: the tools must find it, and the journal must give the truth or refuse. */
async function mustBeFound(of: World, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const files = of.files.clone(seededRandom(1));
  files.replace(of.file, change(files.contents(of.file)));
  const name = of.file.slice(archiveFolder(path).length + 1);
  const audited = await auditArchive(name, { files, folder: archiveFolder(path), journalId: of.journalId });
  if (audited === undefined || audited.damages.length === 0) throw new Error('verify says it is good');
  await mustRefuse(of, files);
}

async function mustRefuse(of: World, files: MemoryFiles): Promise<void> {
  const said = await answers(files, of.sagas);
  for (const [index, answer] of said.entries())
    if (answer !== undefined && answer !== of.wanted[index])
      throw new Error(`an answer is wrong: ${answer.slice(0, 200)}`);
  if (!said.includes(undefined)) throw new Error('everything was answered, as if nothing were damaged');
}

async function flips(tally: Tally, effort: Effort): Promise<void> {
  const of = await world();
  const bits = of.files.contents(of.file).length * 8;
  tally.notes.push(`an archive of ${bits / 8} bytes`);
  for (let bit = 0; bit < bits; bit += effort === 'short' ? 331 : 1)
    await tally.try(`bit ${bit} of ${bits} flipped`, () => mustBeFound(of, (bytes) => flipBit(bytes, bit)));
}

async function cuts(tally: Tally, effort: Effort): Promise<void> {
  const of = await world();
  const { length } = of.files.contents(of.file);
  for (let cut = 0; cut < length; cut += effort === 'short' ? 61 : 1) {
    await tally.try(`cut at ${cut} of ${length}`, () => mustBeFound(of, (bytes) => bytes.slice(0, cut)));
    await tally.try(`zeros from ${cut} of ${length}`, async () => {
      const intact = of.files.contents(of.file);
      // Zeros may be what stood there.
      if (intact.subarray(cut).every((byte) => byte === 0)) return;
      await mustBeFound(of, (bytes) => bytes.fill(0, cut));
    });
  }
}

async function missing(tally: Tally): Promise<void> {
  const of = await world();
  for (const [index, name] of of.names.entries()) {
    await tally.try(`${name} is missing`, async () => {
      const files = of.files.clone(seededRandom(1));
      await files.remove(`${archiveFolder(path)}/${name}`);
      const audit = await auditLog(path, { files });
      const { damages } = await auditArchives(audit, [], { files });
      if (damages.length === 0) throw new Error('verify says it is good');
      await mustRefuse(of, files);
    });
    if (index === 0) continue;
    await tally.try(`${name} is another one of the journal`, async () => {
      const files = of.files.clone(seededRandom(1));
      const other = of.names[index - 1] ?? '';
      files.replace(`${archiveFolder(path)}/${name}`, files.contents(`${archiveFolder(path)}/${other}`));
      await mustRefuse(of, files);
    });
  }
}

const section = (name: string, run: Torture['run']): Torture => ({ name, inMemory: true, run });

export const archiveTortures: readonly Torture[] = [
  section('every bit of an archive', flips),
  section('an archive cut at every byte, with zeros and without', cuts),
  section('archives missing or another', missing),
];
