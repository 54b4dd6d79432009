import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** The text of each file of a house, by its path from the root with forward slashes: `src/retry/retry.ts`. */
export type House = ReadonlyMap<string, string>;

/** Where a rule is broken and what to do about it: `src/retry/retry.ts:12: …`. */
export type Breach = string;

/** The root of the project this test stands in. */
export const projectRoot: string = join(import.meta.dirname, '../..');

const unread = new Set(['node_modules', 'dist', 'coverage', 'fixtures', 'results', '.git']);

/**
 * Reads every file under some folders.
 *
 * @param root the folder that paths are relative to.
 * @param places folders or files under it; one that does not exist holds nothing.
 * @param pattern only files whose path matches.
 */
export function readHouse(root: string, places: readonly string[], pattern: RegExp = /\.(?:ts|js)$/): House {
  const house = new Map<string, string>();
  for (const place of places) {
    for (const path of filesUnder(join(root, place))) {
      const name = relative(root, path).split(sep).join('/');
      if (pattern.test(name)) house.set(name, readFileSync(path, 'utf8'));
    }
  }
  return house;
}

/** Reads the fixture house of a wall, whose files break one of its rules each. */
export function readFixture(name: string, pattern?: RegExp): House {
  return readHouse(join(import.meta.dirname, 'fixtures', name), ['.'], pattern);
}

function* filesUnder(path: string): Generator<string> {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') yield path;
    else if (code !== 'ENOENT') throw error;
    return;
  }
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    if (unread.has(entry.name)) continue;
    if (entry.isDirectory()) yield* filesUnder(join(path, entry.name));
    else yield join(path, entry.name);
  }
}
