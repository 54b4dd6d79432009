import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { DatabaseSync } from 'node:sqlite';
import { FileLockedError } from './file-locked-error.ts';
import type { FileLock, Files, OpenFile, OpenMode } from './files.ts';

// O_DSYNC exists on Linux; elsewhere each write is followed by a sync, which is the same promise in two calls.
const dsync: number | undefined = process.platform === 'linux' ? fs.constants.O_DSYNC : undefined;

const accessOf: { readonly [Mode in OpenMode]: number } = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

// A link in the place of a file would have its target read or overwritten, wherever that is. The folder may be one.
const noLinks = fs.constants.O_NOFOLLOW ?? 0;

// Readable by the owner alone: a log holds whatever the payloads hold.
const fileMode = 0o600;
const folderMode = 0o700;

// Bare descriptors instead of FileHandle: one hop through the thread pool, 127 µs against 164 a durable 4 KiB write.
class SystemFile implements OpenFile {
  private readonly descriptor: number;
  private readonly syncEachWrite: boolean;
  private closed = false;

  constructor(descriptor: number, syncEachWrite: boolean) {
    this.descriptor = descriptor;
    this.syncEachWrite = syncEachWrite;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.descriptor, target, offset, length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
  }

  async write(source: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    const written = await new Promise<number>((resolve, reject) => {
      fs.write(this.descriptor, source, offset, length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
    if (this.syncEachWrite) await this.sync();
    return written;
  }

  writeNow(source: Uint8Array, offset: number, length: number, position: number): number {
    const written = fs.writeSync(this.descriptor, source, offset, length, position);
    if (this.syncEachWrite) fs.fdatasyncSync(this.descriptor);
    return written;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }

  async size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.descriptor, (error, stat) => (error ? reject(error) : resolve(stat.size)));
    });
  }

  close(): Promise<void> {
    // A descriptor's number is given out again at once, so closing it twice would close somebody else's file.
    if (this.closed) return Promise.resolve();
    this.closed = true;
    return new Promise((resolve, reject) => {
      fs.close(this.descriptor, (error) => (error ? reject(error) : resolve()));
    });
  }
}

async function syncDirectory(folder: string): Promise<void> {
  const handle = await fs.promises.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Beside the lock and not in it: a process that opens and closes the locked file itself would drop its own lock. */
function holderPath(lockPath: string): string {
  return `${lockPath}.holder`;
}

async function readHolder(lockPath: string): Promise<string | undefined> {
  try {
    return (await fs.promises.readFile(holderPath(lockPath), 'utf8')).trim() || undefined;
  } catch {
    // The message is poorer without it, and nothing else depends on it.
    return undefined;
  }
}

class SqliteLock implements FileLock {
  private readonly path: string;
  private database: DatabaseSync | undefined;

  constructor(lockPath: string, database: DatabaseSync) {
    this.path = lockPath;
    this.database = database;
  }

  async release(): Promise<void> {
    const { database } = this;
    if (database === undefined) return;
    this.database = undefined;
    await fs.promises.rm(holderPath(this.path), { force: true });
    database.close();
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY is 5; extended codes keep it in the low byte (sqlite.org/rescode.html).
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 255) === 5
  );
}

/** SQLite would make it readable by all. Only ever made and never opened: see {@link holderPath}. */
async function makeLockFile(lockPath: string): Promise<void> {
  try {
    await (await fs.promises.open(lockPath, 'wx', fileMode)).close();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

// Node has no flock. SQLite's exclusive transaction is refused to a second opener in this process, in a worker and in
// another process alike, and the kernel frees it when the holder dies.
async function lock(lockPath: string): Promise<FileLock> {
  const { DatabaseSync } = await import('node:sqlite');
  await makeLockFile(lockPath);
  const database = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new FileLockedError(lockPath, await readHolder(lockPath), { cause: error });
    throw error;
  }
  const held = new SqliteLock(lockPath, database);
  try {
    await fs.promises.writeFile(holderPath(lockPath), `process ${process.pid} since ${new Date().toISOString()}\n`, {
      mode: fileMode,
    });
  } catch (error) {
    await held.release();
    throw error;
  }
  return held;
}

/**
 * The machine's own file system. Files it makes are readable by their owner alone; locks are SQLite's, so they hold
 * between processes and end with the process that took them. On network file systems they are as good as its locks.
 *
 * @example
 * await systemFiles.exists('/') // => true
 */
export const systemFiles: Files = {
  open(filePath, mode, { durable = false } = {}) {
    const flags = accessOf[mode] | noLinks | (durable && mode !== 'read' ? (dsync ?? 0) : 0);
    return new Promise((resolve, reject) => {
      fs.open(filePath, flags, fileMode, (error, descriptor) =>
        error ? reject(error) : resolve(new SystemFile(descriptor, durable && dsync === undefined)),
      );
    });
  },
  list: (folder) => fs.promises.readdir(folder),
  async exists(filePath) {
    try {
      await fs.promises.stat(filePath);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    }
  },
  async makeDirectory(folder) {
    const absolute = path.resolve(folder);
    const firstMade = await fs.promises.mkdir(absolute, { recursive: true, mode: folderMode });
    if (firstMade === undefined) return;
    // Each new folder is an entry of its parent, and lasts only once the parent was synced.
    for (let made = absolute; made.length >= firstMade.length; made = path.dirname(made)) {
      await syncDirectory(path.dirname(made));
    }
  },
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (filePath) => fs.promises.unlink(filePath),
  syncDirectory,
  lock,
};
