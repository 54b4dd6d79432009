import type { JsonValue } from './json-value.ts';
import type { SagaState } from './state.ts';

/**
 * Outputs of the confirmed steps, by name, for handlers to read.
 *
 * @internal
 */
export function resultsOf(state: SagaState): Readonly<Record<string, JsonValue>> {
  const results = Object.create(null) as Record<string, JsonValue>;
  for (const step of state.steps) if (step.output !== undefined) results[step.name] = step.output;
  return results;
}
