import { isTest, packagesOf, portableDoors, roomOf, worldly } from './floor-plan.ts';
import type { Breach, House } from './house.ts';
import { importGraph, importsOf, reachableFrom } from './imports.ts';
import { codeOnly, lineOf } from './source-text.ts';

/** Names of the world, and through which option a room is to be given them instead. */
const worldNames: readonly (readonly [names: readonly string[], instead: string])[] = [
  [['Date', 'performance'], 'take a clock: Clock'],
  [
    ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
    'take a clock: Clock',
  ],
  [['Math.random', 'crypto'], 'take random: Random'],
  [['AbortSignal.timeout'], 'use withDeadline and a clock: Clock'],
  [['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource'], 'take the function as an option'],
  [['process', 'Buffer', 'navigator', 'require'], 'leave it to ports/, adapters/ or cli/'],
];

// What depends on its arguments alone is not the world: reading a date text, or showing a stamp that was given.
const pureUses = /(?<![.\w$])(?:Date\.(?:parse|UTC)\b|new\s+Date\s*\((?=\s*[^\s)])|instanceof\s+Date\b)/g;
const blank = (text: string): string => ' '.repeat(text.length);

/** Whether the file has a binding or a property of its own under this name, so that the name is not the world's. */
function isShadowed(name: string, code: string): boolean {
  return new RegExp(
    String.raw`\b(?:const|let|function|class)\s+${name}\b|import[^;]*[{,\s]${name}\s*[,}]|[({,]\s*${name}\s*\??:|(?:readonly\s+|^\s+)${name}\s*\??:`,
    'm',
  ).test(code);
}

/** Uses of clocks, timers, chance, network, process or built-in modules outside the rooms that are made for them. */
export function findWorldUses(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, source] of house) {
    if (isTest(path) || worldly.some((place) => path.startsWith(place))) continue;
    breaches.push(...worldUsesOf(path, source));
  }
  return breaches;
}

function worldUsesOf(path: string, source: string): Breach[] {
  const breaches: Breach[] = [];
  const code = codeOnly(source).replaceAll(pureUses, blank);
  for (const [names, instead] of worldNames) {
    for (const name of names) {
      const written = name.replace('.', String.raw`\s*\.\s*`);
      const pattern = new RegExp(
        String.raw`(?<!typeof\s)(?:\bglobalThis\s*\.\s*|(?<![.\w$]))${written}\b(?!\s*\??:)`,
        'g',
      );
      const shadowed = isShadowed(name, code);
      for (const match of code.matchAll(pattern)) {
        if (shadowed && !match[0].startsWith('globalThis')) continue;
        breaches.push(`${path}:${lineOf(source, match.index)}: touches ${name}; ${instead}`);
      }
    }
  }
  for (const { specifier, line } of importsOf(path, source)) {
    if (specifier.startsWith('node:')) breaches.push(`${path}:${line}: imports ${specifier}; take a port instead`);
  }
  return breaches;
}

/** Imports of packages: the core has no run-time dependency. */
export function findPackageImports(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, imports] of importGraph(house)) {
    const room = roomOf(path);
    // Drivers of an adapter are optional peers; tests may use what the project uses to test.
    if (isTest(path) || room === 'adapters') continue;
    for (const { specifier, target, line } of imports) {
      if (target !== undefined || specifier.startsWith('node:') || packagesOf[room]?.includes(specifier)) continue;
      breaches.push(`${path}:${line}: imports the package "${specifier}"; ${room} has no run-time dependency`);
    }
  }
  return breaches;
}

/** Built-in modules that a door for any runtime reaches, with the way that leads there. */
export function findNodeReach(house: House, doors: readonly string[] = portableDoors): Breach[] {
  const graph = importGraph(house);
  const breaches: Breach[] = [];
  for (const door of doors) {
    if (!house.has(door)) continue;
    for (const [path, chain] of reachableFrom(door, graph)) {
      for (const { specifier } of graph.get(path) ?? []) {
        if (!specifier.startsWith('node:')) continue;
        breaches.push(`${door} must run in a browser but reaches ${specifier}: ${chain.join(' → ')}`);
      }
    }
  }
  return breaches;
}
