import { posix } from 'node:path';
import type { House } from './house.ts';
import { codeOnly, lineOf } from './source-text.ts';

/** One `import` or `export … from` of a file. */
export interface ImportOf {
  /** As written: `'../time/duration.ts'`, `'node:fs'`. */
  readonly specifier: string;
  /** The file in the house it means, or `undefined` for a package or a built-in module. */
  readonly target: string | undefined;
  readonly line: number;
}

const clause = String.raw`(?:type\b\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\}|[\w$]+(?:\s*,\s*(?:\{[^}]*\}|\*\s*as\s+[\w$]+))?)`;
const importPattern = new RegExp(
  String.raw`(?<![.\w$])(?:(?:import|export)\s*${clause}\s*from\s*|import\s*\(?\s*)(?<quote>['"\x60])`,
  'g',
);

/** Every module a file names: static, re-exported, for types only, dynamic, and inside a type (`import('x').Y`). */
export function importsOf(path: string, source: string): ImportOf[] {
  const code = codeOnly(source);
  const found: ImportOf[] = [];
  for (const match of code.matchAll(importPattern)) {
    const quote = match.groups?.['quote'] as string;
    const from = match.index + match[0].length;
    const specifier = source.slice(from, code.indexOf(quote, from));
    const inside = specifier.startsWith('.');
    const target = inside ? posix.join(posix.dirname(path), specifier) : undefined;
    found.push({ specifier, target, line: lineOf(source, match.index) });
  }
  return found;
}

/** The imports of every file, by path. */
export function importGraph(house: House): ReadonlyMap<string, readonly ImportOf[]> {
  return new Map([...house].map(([path, source]) => [path, importsOf(path, source)]));
}

/** All files reachable from one by imports, itself first; each with the chain of files that leads to it. */
export function reachableFrom(
  start: string,
  graph: ReadonlyMap<string, readonly ImportOf[]>,
): ReadonlyMap<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>([[start, [start]]]);
  for (const [path, chain] of chains) {
    for (const { target } of graph.get(path) ?? []) {
      if (target !== undefined && !chains.has(target)) chains.set(target, [...chain, target]);
    }
  }
  return chains;
}
