import { floorPlan, groundFile, isTest, roomOf } from './floor-plan.ts';
import type { Breach, House } from './house.ts';
import { importGraph, type ImportOf } from './imports.ts';

/**
 * Imports that go up or sideways, go through a door, or name a file that is not there.
 *
 * A unit test obeys the same rules with one leave: it may also use the fakes of `testing/`, by the file. A test that
 * needs more than its own floor is about rooms together and belongs into `test/`.
 */
export function findFloorBreaches(house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const [path, imports] of importGraph(house)) {
    if (floorPlan[roomOf(path)] === undefined) {
      breaches.push(`${path}: room "${roomOf(path)}" has no floor; enter it in test/house/floor-plan.ts`);
      continue;
    }
    for (const found of imports) {
      const wrong = wrongWith(path, found, house);
      if (wrong !== undefined) breaches.push(`${path}:${found.line}: ${wrong}`);
    }
  }
  return breaches;
}

function wrongWith(path: string, { specifier, target }: ImportOf, house: House): string | undefined {
  if (specifier === 'makegood' || specifier.startsWith('makegood/')) {
    return `imports the package by its name ("${specifier}"); inside, import the file`;
  }
  if (target === undefined) return undefined;
  if (!house.has(target)) return `imports ${target}, which does not exist`;
  if (target.endsWith('/index.ts')) return `imports the door ${target}; inside, import the file that holds the name`;
  const from = roomOf(path);
  const to = roomOf(target);
  if (from === to || target === groundFile || (isTest(path) && to === 'testing')) return undefined;
  const fromFloor = floorPlan[from] ?? 0;
  const toFloor = floorPlan[to] ?? Infinity;
  if (to === 'adapters' && from !== 'cli') return `imports ${target}; only cli/ and users choose an adapter`;
  if (toFloor < fromFloor) return undefined;
  return `${from} (floor ${fromFloor}) imports ${target} (floor ${toFloor}); only strictly lower floors may be imported`;
}

/** Circles of files that import each other, types included; each circle once, from its first file by name. */
export function findCircles(house: House): Breach[] {
  const graph = importGraph(house);
  const circles: Breach[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      circles.push(`circle: ${[...trail.slice(start), path].join(' → ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const { target } of graph.get(path) ?? []) if (target !== undefined) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return circles;
}
