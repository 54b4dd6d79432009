import { readFile, stat } from 'node:fs/promises';
import process from 'node:process';

/** Whether a writer has the log open, and what it says about itself. */
export interface LockState {
  /** `unknown` where the system does not tell without touching the lock. */
  readonly state: 'free' | 'held' | 'unknown';
  /** `process 4242 since 2026-11-24T11:20:01.000Z` */
  readonly by: string | undefined;
}

const hex = (value: bigint): string => value.toString(16).padStart(2, '0');

/** Numbers of a device and a file, as /proc/locks writes them: `fe:00:1048577`. */
function locksName({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  // The kernel's new_encode_dev: twelve bits of major between the two parts of the minor.
  const major = (dev >> 8n) & 0xfffn;
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

/**
 * The process that has a write lock on a file, as a list of the kernel's locks tells it.
 *
 * @param locks text of /proc/locks.
 */
export function writerAmong(locks: string, file: { readonly dev: bigint; readonly ino: bigint }): number | undefined {
  const name = locksName(file);
  for (const line of locks.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[3] === 'WRITE' && words[5] === name) return Number(words[4]);
  }
  return undefined;
}

/**
 * Looks whether the log's lock is held, without touching it: trying to take it, even for a moment, could make a writer
 * fail that opens the log just then.
 */
export async function lockState(path: string): Promise<LockState> {
  const file = await stat(`${path}/LOCK`, { bigint: true }).catch(() => undefined);
  if (file === undefined) return { state: 'free', by: undefined };
  const by = (await readFile(`${path}/LOCK.holder`, 'utf8').catch(() => '')).trim() || undefined;
  const locks = process.platform === 'linux' ? await readFile('/proc/locks', 'utf8').catch(() => undefined) : undefined;
  if (locks === undefined) return { state: by === undefined ? 'free' : 'unknown', by };
  const pid = writerAmong(locks, file);
  if (pid === undefined) return { state: 'free', by: undefined };
  return { state: 'held', by: by ?? `process ${pid}` };
}
