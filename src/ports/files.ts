/** How {@link Files.open} opens a file. `create` fails when the file exists; `write` fails when it does not. */
export type OpenMode = 'read' | 'write' | 'create';

/**
 * An open file. Reads and writes name their position, so no two callers share a cursor.
 *
 * An implementer keeps: a resolved `write` on a file opened with `durable: true`, and every write before a resolved
 * `sync`, survives a power loss; fewer bytes than asked may be written or read, and the number says how many; an error
 * is thrown, never reported as the end of the file.
 */
export interface OpenFile {
  /** Reads at most `length` bytes into `target`; resolves with the number read, 0 at the end of the file. */
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** Writes at most `length` bytes of `source`; resolves with the number written. */
  write(source: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /**
   * As `write`, and done when it returns: nothing else happens meanwhile. Absent where that cannot be.
   */
  writeNow?(source: Uint8Array, offset: number, length: number, position: number): number;
  /** Makes all that was written durable (fdatasync). */
  sync(): Promise<void>;
  /** The file's length in bytes. */
  size(): Promise<number>;
  /** Releases the descriptor. Safe to call twice. */
  close(): Promise<void>;
}

/** A lock that was taken; it ends with `release` or with the process that holds it, however that dies. */
export interface FileLock {
  release(): Promise<void>;
}

/**
 * The file system as the log needs it.
 *
 * An implementer keeps: `rename` is atomic, and durable after `syncDirectory` of its folder; `lock` is refused while any
 * other opener, in this process or another, holds it, and is free again when its holder was killed.
 */
export interface Files {
  /** Opens a file; with `durable: true` each write is on the disk when it resolves (O_DSYNC or the like). */
  open(path: string, mode: OpenMode, options?: { readonly durable?: boolean }): Promise<OpenFile>;
  /** Names of the entries of a folder, in no order. */
  list(path: string): Promise<string[]>;
  /** Whether something stands at the path. */
  exists(path: string): Promise<boolean>;
  /** Makes a folder and its parents, readable by the owner only. No error when it exists. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes the entries of a folder durable: needed after a create, rename or remove. */
  syncDirectory(path: string): Promise<void>;
  /** Takes the exclusive lock of a file, or rejects at once with {@link FileLockedError}. */
  lock(path: string): Promise<FileLock>;
}
