import type { JsonValue } from './json-value.ts';
import type { SagaState } from './state.ts';

/**
 * Outputs of the confirmed steps, by name, for handlers to read. A `forEach` has the list of its items' outputs.
 *
 * @internal
 */
export function resultsOf(state: SagaState): Readonly<Record<string, JsonValue>> {
  const results = Object.create(null) as Record<string, JsonValue>;
  for (const { name, output, facts } of state.steps) {
    if (facts.items !== undefined) results[name] = Array.from({ length: facts.items }, () => null);
    if (output === undefined) continue;
    const list = facts.of === undefined ? undefined : state.steps[facts.of];
    if (list === undefined) {
      if (facts.items === undefined) results[name] = output;
    } else (results[list.name] as JsonValue[])[facts.place ?? 0] = output;
  }
  return results;
}
