import type { Files, OpenFile } from '../ports/files.ts';
import { WalReadError } from './wal-errors.ts';

/** Writes all of it: a write may take fewer bytes than it was given, which is not an error (write(2)). */
export async function writeWhole(
  file: OpenFile,
  source: Uint8Array,
  start: number,
  end: number,
  position: number,
): Promise<void> {
  let done = 0;
  while (start + done < end) {
    const written = await file.write(source, start + done, end - start - done, position + done);
    if (written <= 0) throw new Error(`a write of ${end - start - done} bytes at byte ${position + done} took none`);
    done += written;
  }
}

/** As {@link writeWhole}, before it returns; for a file that can. */
export function writeWholeNow(file: OpenFile, source: Uint8Array, end: number, position: number): void {
  for (let done = 0; done < end; ) {
    const written = file.writeNow?.(source, done, end - done, position + done) ?? 0;
    if (written <= 0) throw new Error(`a write of ${end - done} bytes at byte ${position + done} took none`);
    done += written;
  }
}

/**
 * Reads until `length` bytes are there or the file ends.
 *
 * @returns the number of bytes read.
 * @throws {WalReadError} when the disk refuses.
 */
export async function readWhole(
  file: OpenFile,
  path: string,
  target: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  try {
    while (done < length) {
      const count = await file.read(target, offset + done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw new WalReadError(path, position + done, { cause: error });
  }
  return done;
}

/** Opens, uses and closes a file, whatever happens in between. */
export async function withFile<Result>(
  opening: Promise<OpenFile>,
  use: (file: OpenFile) => Promise<Result>,
): Promise<Result> {
  const file = await opening;
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/**
 * Makes a file that is either there whole or not there at all, also after a power loss: written aside under another
 * name, synced, renamed, and the folder synced (leveldb#195 and rocksdb#10573 forgot that last step).
 */
export async function createWhole(
  files: Files,
  folder: string,
  name: string,
  fill: (file: OpenFile) => Promise<void>,
): Promise<void> {
  const path = `${folder}/${name}`;
  const aside = `${path}${asideSuffix}`;
  if (await files.exists(aside)) await files.remove(aside);
  try {
    await withFile(files.open(aside, 'create'), async (file) => {
      await fill(file);
      await file.sync();
    });
  } catch (error) {
    // On a full disk its bytes are what others wait for. Should it not go, the next opening removes it.
    await files.remove(aside).catch(() => undefined);
    throw error;
  }
  await files.rename(aside, path);
  await files.syncDirectory(folder);
}

/** Ends the name of a file that is not finished; whatever carries it after a crash is of no use. */
export const asideSuffix = '.unfinished';
