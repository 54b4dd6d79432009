/**
 * The input of a step as a client wrote it: JSON in which `{ "$from": "results.reserve.id" }` stands for what is there. A
 * path and nothing more: no expression is ever evaluated.
 */
import type { StepFactsContext } from '../saga/definition.ts';
import type { JsonValue } from '../saga/json-value.ts';

function referenceIn(template: JsonValue): string | undefined {
  if (typeof template !== 'object' || template === null || Array.isArray(template)) return undefined;
  const keys = Object.keys(template);
  const path = (template as { readonly [key: string]: JsonValue })['$from'];
  return keys.length === 1 && typeof path === 'string' ? path : undefined;
}

/** A name of a step may have dots of its own, so the next key may be several words together. */
function descend(value: unknown, words: readonly string[]): unknown {
  if (words.length === 0) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let count = 1; count <= words.length; count++) {
    const key = words.slice(0, count).join('.');
    if (Object.hasOwn(value, key)) return descend((value as Record<string, unknown>)[key], words.slice(count));
  }
  return undefined;
}

function valueAt(path: string, { input, results }: StepFactsContext): JsonValue {
  const found = descend({ input, results }, path.split('.'));
  if (found === undefined) throw new TypeError(`there is nothing at "${path}"`);
  return found as JsonValue;
}

function filled(template: JsonValue, facts: StepFactsContext): JsonValue {
  if (typeof template !== 'object' || template === null) return template;
  const path = referenceIn(template);
  if (path !== undefined) return valueAt(path, facts);
  if (Array.isArray(template)) return template.map((item: JsonValue) => filled(item, facts));
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, filled(item, facts)]));
}

/**
 * Makes the input of a step.
 *
 * @throws {TypeError} when there is nothing at a path.
 */
export function makeInput(template: JsonValue, facts: StepFactsContext): JsonValue {
  return filled(template, facts);
}
