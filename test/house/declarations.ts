import { type DoorName, doorsOf, namesOf, subpathOf } from './doors.ts';
import type { House } from './house.ts';
import { codeOnly, lineOf } from './source-text.ts';

/** A name of a door with the place that declares it. */
export interface Declaration extends DoorName {
  /** `.` or `./retry`: the subpath of the package that lists it. */
  readonly subpath: string;
  readonly kind: 'function' | 'class' | 'const' | 'interface' | 'type' | 'unknown';
  readonly line: number;
  /** The text of its docstring without the stars; empty when there is none. */
  readonly doc: string;
}

const docBefore = /\/\*\*(?<doc>(?:(?!\*\/)[^])*)\*\/\s*$/;

/** Every name of every door, with its declaration; each declaration as often as doors list it. */
export function declarationsOf(house: House): Declaration[] {
  const declarations: Declaration[] = [];
  for (const door of doorsOf(house)) {
    const subpath = subpathOf(door);
    for (const listed of namesOf(door, house.get(door) ?? '')) {
      declarations.push({ ...listed, subpath, ...declarationIn(house.get(listed.file) ?? '', listed.declaredAs) });
    }
  }
  return declarations;
}

function declarationIn(source: string, name: string): Pick<Declaration, 'kind' | 'line' | 'doc'> {
  const pattern = new RegExp(
    String.raw`export\s+(?:declare\s+|abstract\s+|async\s+)*(?<kind>function|class|const|interface|type)\b\s*\*?\s*${name.replaceAll('$', String.raw`\$`)}(?![\w$])`,
  );
  const match = pattern.exec(codeOnly(source));
  if (match === null) return { kind: 'unknown', line: 0, doc: '' };
  const written = docBefore.exec(source.slice(0, match.index))?.groups?.['doc'] ?? '';
  const lines = written.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trimEnd());
  return {
    kind: match.groups?.['kind'] as Declaration['kind'],
    line: lineOf(source, match.index),
    doc: lines.join('\n').trim(),
  };
}
