import type { SagaDefinition } from '../saga/definition.ts';
import { type JsonValue, toJsonValue } from '../saga/json-value.ts';
import type { SchemaIssue } from '../saga/standard-schema.ts';
import { SagaInputError } from './saga-errors.ts';

function pathOf(issue: SchemaIssue): string {
  const keys = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  return keys.map(String).join('.');
}

/**
 * The input of a new saga, checked by its schema if it has one, as the log will keep it.
 *
 * @throws {SagaInputError} when the schema refuses it.
 * @throws {TypeError} when JSON cannot carry it.
 * @internal
 */
export async function checkInput(saga: SagaDefinition, input: unknown): Promise<JsonValue> {
  const result = await saga.inputSchema?.['~standard'].validate(input);
  if (result?.issues !== undefined) {
    throw new SagaInputError(
      saga.name,
      result.issues.map((issue) => ({ message: issue.message, path: pathOf(issue) })),
    );
  }
  return toJsonValue(result === undefined ? input : result.value, `input of saga "${saga.name}"`);
}
