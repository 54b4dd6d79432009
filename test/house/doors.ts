import { posix } from 'node:path';
import type { Breach, House } from './house.ts';
import { codeOnly } from './source-text.ts';

/** A name that a door lists. */
export interface DoorName {
  /** As users write it. */
  readonly name: string;
  /** As the file that declares it writes it. */
  readonly declaredAs: string;
  /** That file, from the root of the house. */
  readonly file: string;
}

/** The part of package.json that makes doors: conditions by subpath. */
export type ExportsField = Readonly<Record<string, Readonly<Record<string, string>> | string>>;

const longestDoor = 40;
const statement = /export\s+(?:type\s+)?\{(?<names>[^}]*)\}\s*from\s*(?<quote>['"])(?<file>\s*)\k<quote>\s*;?/g;
const entry = /^(?:type\s+)?(?<declaredAs>[\w$]+)(?:\s+as\s+(?<name>[\w$]+))?$/;

/** Paths of all doors of a house: one a room at most, and one a technology in `adapters/`, each with its own driver. */
export function doorsOf(house: House): string[] {
  return [...house.keys()].filter((path) => /^src\/(?:(?:adapters\/)?[^/]+\/)?index\.ts$/.test(path));
}

/** The subpath of the package under which a door is reached: `src/retry/index.ts` is `./retry`. */
export function subpathOf(door: string): string {
  const room = posix.dirname(door).slice('src/'.length);
  return room === '' ? '.' : `./${room}`;
}

/** The names that a door lists, in its order. */
export function namesOf(door: string, source: string): DoorName[] {
  const code = codeOnly(source);
  const found: DoorName[] = [];
  for (const match of code.matchAll(statement)) {
    const { names = '', quote = '', file: blankFile = '' } = match.groups ?? {};
    const from = match.index + match[0].indexOf(quote) + 1;
    const specifier = source.slice(from, from + blankFile.length);
    for (const text of names.split(',')) {
      const groups = entry.exec(text.trim())?.groups;
      if (groups === undefined) continue;
      const declaredAs = groups['declaredAs'] as string;
      const file = posix.join(posix.dirname(door), specifier);
      found.push({ name: groups['name'] ?? declaredAs, declaredAs, file });
    }
  }
  return found;
}

/** Doors that do more than list names, list one twice, or have grown too long. */
export function findUnfitDoors(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const door of doorsOf(house)) {
    const source = house.get(door) as string;
    const lines = source.trimEnd().split('\n').length;
    if (lines >= longestDoor) breaches.push(`${door}: a door has under ${longestDoor} lines, this has ${lines}`);
    const rest = codeOnly(source).replaceAll(statement, '').trim();
    if (rest !== '')
      breaches.push(`${door}: only \`export { … } from '…'\` belongs into a door, found: ${firstLine(rest)}`);
    const names = namesOf(door, source).map(({ name }) => name);
    for (const name of names) {
      if (names.indexOf(name) !== names.lastIndexOf(name)) breaches.push(`${door}: lists ${name} more than once`);
    }
    if (names.length === 0) breaches.push(`${door}: lists no name`);
  }
  return breaches;
}

/** Differences between the doors that stand and those that package.json opens. */
export function findUnmatchedDoors(house: House, exported: ExportsField): Breach[] {
  const breaches: Breach[] = [];
  const doors = new Map(doorsOf(house).map((door) => [subpathOf(door), door]));
  for (const [subpath, door] of doors) {
    if (exported[subpath] === undefined) breaches.push(`package.json: exports lack "${subpath}", the door ${door}`);
  }
  for (const [subpath, conditions] of Object.entries(exported)) {
    if (typeof conditions === 'string') continue;
    if (!doors.has(subpath)) breaches.push(`package.json: exports "${subpath}", but there is no such door in src/`);
    const room = subpath === '.' ? '' : `${subpath.slice(2)}/`;
    const expected = Object.entries({
      'makegood:source': `./src/${room}index.ts`,
      types: `./dist/${room}index.d.ts`,
      default: `./dist/${room}index.js`,
    });
    // The order counts: the first condition that holds is taken.
    if (JSON.stringify(Object.entries(conditions)) !== JSON.stringify(expected)) {
      breaches.push(
        `package.json: exports["${subpath}"] should be, in this order, ${JSON.stringify(Object.fromEntries(expected))}`,
      );
    }
  }
  return breaches;
}

function firstLine(text: string): string {
  return text.split('\n')[0] as string;
}
