import type { SagaDefinition } from '../saga/definition.ts';
import { type JsonValue, toJsonValue } from '../saga/json-value.ts';
import type { SchemaIssue, StandardSchema } from '../saga/standard-schema.ts';
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
      `input of saga "${saga.name}"`,
      result.issues.map((issue) => ({ message: issue.message, path: pathOf(issue) })),
    );
  }
  return inputOf(saga, result === undefined ? input : result.value);
}

/**
 * The payload of a signal, checked by its step's schema if it has one, as the log will keep it.
 *
 * @throws {SagaInputError} when the schema refuses it.
 * @throws {TypeError} when JSON cannot carry it.
 * @internal
 */
export async function checkPayload(
  name: string,
  schema: StandardSchema | undefined,
  payload: unknown,
): Promise<JsonValue> {
  const result = await schema?.['~standard'].validate(payload);
  if (result?.issues !== undefined) {
    throw new SagaInputError(
      `payload of signal "${name}"`,
      result.issues.map((issue) => ({ message: issue.message, path: pathOf(issue) })),
    );
  }
  return toJsonValue(result === undefined ? payload : result.value, `payload of signal "${name}"`);
}

/**
 * The input of a new saga as the log will keep it, when there is no schema to ask.
 *
 * @throws {TypeError} when JSON cannot carry it.
 * @internal
 */
export function inputOf(saga: SagaDefinition, input: unknown): JsonValue {
  return toJsonValue(input, `input of saga "${saga.name}"`);
}

/**
 * The headers of a new saga, copied and frozen.
 *
 * @throws {TypeError} when one is not text.
 * @internal
 */
export function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw new TypeError(`Expected header "${name}" to be a string, got ${typeof value}`);
  }
  return Object.freeze({ ...headers });
}
