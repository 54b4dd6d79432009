import { type Declaration, declarationsOf } from './declarations.ts';
import { examplesOf } from './examples.ts';
import type { Breach, House } from './house.ts';

/**
 * Names of doors that are not documented: each has a docstring that begins with a sentence, and a function or class also
 * an example that runs. An error class needs none, since users catch it and do not make it.
 */
export function findUndocumented(house: House): Breach[] {
  const seen = new Set<string>();
  const breaches: Breach[] = [];
  for (const declaration of declarationsOf(house)) {
    const key = `${declaration.file} ${declaration.declaredAs}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const lack = lackOf(declaration);
    if (lack !== undefined) breaches.push(`${declaration.file}:${declaration.line}: ${declaration.name} ${lack}`);
  }
  return breaches;
}

function lackOf(declaration: Declaration): string | undefined {
  const { kind, doc, name } = declaration;
  if (kind === 'unknown') return 'is listed by a door but not declared in this file';
  if (doc === '') return 'has no docstring';
  const [firstParagraph = ''] = doc.split(/\n\s*\n|\n@/);
  if (!/^[^a-z@\s]/.test(firstParagraph)) return 'has a docstring that does not begin with a sentence';
  if (!/[.:!?)](?:\s|$)/.test(firstParagraph)) return 'has a docstring whose first sentence does not end';
  const needsExample = kind === 'function' || (kind === 'class' && !name.endsWith('Error'));
  if (needsExample && examplesOf(declaration).length === 0) return 'has no @example';
  return undefined;
}
