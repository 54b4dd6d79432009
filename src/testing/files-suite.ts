import { FileLockedError } from '../ports/file-locked-error.ts';
import type { Files, OpenFile } from '../ports/files.ts';

/** One promise of {@link Files}, and how to find out whether an implementation keeps it. */
export interface FilesCheck {
  /** The promise, as a test is named. */
  readonly name: string;
  /** Resolves when it is kept, rejects with what was seen instead. `folder` exists, is empty, and is not used again. */
  readonly run: (files: Files, folder: string) => Promise<void>;
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`Expected ${what} to be ${wanted}, got ${seen}`);
}

async function refused(attempt: () => Promise<unknown>, code: string): Promise<void> {
  let thrown: unknown;
  try {
    await attempt();
  } catch (error) {
    thrown = error;
  }
  const seen = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (seen !== code) throw new Error(`Expected a refusal with code ${code}, got ${String(thrown)}`, { cause: thrown });
}

async function put(file: OpenFile, text: string, position: number): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  let done = 0;
  while (done < bytes.length) done += await file.write(bytes, done, bytes.length - done, position + done);
}

async function get(file: OpenFile, length: number, position: number): Promise<string> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = await file.read(bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, done));
}

/**
 * What every implementation of {@link Files} must keep, real or in memory: simulated files are only to be trusted where
 * they pass the same checks as the machine's own.
 *
 * @example
 * filesContract.length > 5 // => true
 */
export const filesContract: readonly FilesCheck[] = [
  {
    name: 'reads back what was written, at any position, through another descriptor too',
    async run(files, folder) {
      const file = await files.open(`${folder}/a`, 'create');
      await put(file, 'hello world', 0);
      await put(file, 'W', 6);
      await file.sync();
      const reader = await files.open(`${folder}/a`, 'read');
      same(await get(reader, 11, 0), 'hello World', 'the contents');
      same(await get(reader, 5, 6), 'World', 'the end of the contents');
      same(await reader.size(), 11, 'the size');
      await reader.close();
      await file.close();
    },
  },
  {
    name: 'a write through a durable descriptor is seen by others when it resolves',
    async run(files, folder) {
      const file = await files.open(`${folder}/a`, 'create', { durable: true });
      const reader = await files.open(`${folder}/a`, 'read');
      await put(file, 'abc', 0);
      same(await get(reader, 3, 0), 'abc', 'the contents');
      await reader.close();
      await file.close();
    },
  },
  {
    name: 'a write behind the end leaves zeros between, and reading behind the end gives 0 bytes',
    async run(files, folder) {
      const file = await files.open(`${folder}/a`, 'create');
      await put(file, 'x', 5000);
      same(await file.size(), 5001, 'the size');
      same(await get(file, 2, 4999), '\0x', 'the end');
      same(await get(file, 10, 0), '\0'.repeat(10), 'the gap');
      same(await file.read(new Uint8Array(8), 0, 8, 5001), 0, 'the bytes read at the end');
      same(await file.read(new Uint8Array(8), 0, 8, 9999), 0, 'the bytes read behind the end');
      await file.close();
    },
  },
  {
    name: 'create refuses a file that exists, read and write one that does not',
    async run(files, folder) {
      await (await files.open(`${folder}/a`, 'create')).close();
      await refused(() => files.open(`${folder}/a`, 'create'), 'EEXIST');
      await refused(() => files.open(`${folder}/b`, 'write'), 'ENOENT');
      await refused(() => files.open(`${folder}/b`, 'read'), 'ENOENT');
    },
  },
  {
    name: 'a file opened for reading refuses to be written',
    async run(files, folder) {
      await (await files.open(`${folder}/a`, 'create')).close();
      const reader = await files.open(`${folder}/a`, 'read');
      await refused(() => reader.write(new Uint8Array(1), 0, 1, 0), 'EBADF');
      await reader.close();
    },
  },
  {
    name: 'closing twice does nothing, and a closed file is not read',
    async run(files, folder) {
      const file = await files.open(`${folder}/a`, 'create');
      await file.close();
      await file.close();
      await refused(() => file.read(new Uint8Array(1), 0, 1, 0), 'EBADF');
    },
  },
  {
    name: 'makes a folder with its parents, also when it is there, and lists names without the folder',
    async run(files, folder) {
      await files.makeDirectory(`${folder}/x/y`);
      await files.makeDirectory(`${folder}/x/y`);
      same(await files.exists(`${folder}/x`), true, 'the parent being there');
      await (await files.open(`${folder}/x/one`, 'create')).close();
      same((await files.list(`${folder}/x`)).sort(), ['one', 'y'], 'the names');
      same(await files.exists(`${folder}/x/two`), false, 'a file that was not made being there');
      await refused(() => files.list(`${folder}/none`), 'ENOENT');
    },
  },
  {
    name: 'a rename takes the place of what is there, and an open file follows its new name',
    async run(files, folder) {
      const file = await files.open(`${folder}/a`, 'create');
      await put(file, 'new', 0);
      await (await files.open(`${folder}/b`, 'create')).close();
      await files.rename(`${folder}/a`, `${folder}/b`);
      await files.syncDirectory(folder);
      same(await files.exists(`${folder}/a`), false, 'the old name being there');
      await put(file, 'er', 3);
      const reader = await files.open(`${folder}/b`, 'read');
      same(await get(reader, 9, 0), 'newer', 'the contents');
      await reader.close();
      await file.close();
      await refused(() => files.rename(`${folder}/a`, `${folder}/c`), 'ENOENT');
    },
  },
  {
    name: 'a removed file is gone from its folder, and lasts for those who have it open',
    async run(files, folder) {
      const file = await files.open(`${folder}/a`, 'create');
      await put(file, 'still', 0);
      await files.remove(`${folder}/a`);
      same(await files.list(folder), [], 'the names');
      same(await get(file, 5, 0), 'still', 'the contents');
      await file.close();
      await refused(() => files.remove(`${folder}/a`), 'ENOENT');
    },
  },
  {
    name: 'a lock is refused while it is held, and free after its release, which is safe twice',
    async run(files, folder) {
      const lock = await files.lock(`${folder}/LOCK`);
      await refused(() => files.lock(`${folder}/LOCK`), new FileLockedError('', undefined).code);
      const other = await files.lock(`${folder}/OTHER`);
      await other.release();
      await lock.release();
      await lock.release();
      const again = await files.lock(`${folder}/LOCK`);
      await lock.release();
      await refused(() => files.lock(`${folder}/LOCK`), new FileLockedError('', undefined).code);
      await again.release();
    },
  },
];
