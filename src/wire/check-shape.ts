import Schema from 'typebox/schema';
import type { JsonValue } from '../saga/json-value.ts';
import { components } from './openapi.ts';
import type { Parameter } from './operations.ts';
import type { ProblemIssue } from './problem.ts';
import { inlined } from './shape.ts';

type Validator = ReturnType<typeof Schema.Compile>;

const validators = new Map<string, Validator>();
const mostIssues = 20;

/** Compiled when it is first needed: a client that makes paths must not pay for it. */
function validatorOf(component: string): Validator {
  const known = validators.get(component);
  if (known !== undefined) return known;
  const made = Schema.Compile(inlined(components[component], components) as object);
  validators.set(component, made);
  return made;
}

/** A value for people; not what is inside of one, which may be anything that somebody sends. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

/** The value at a JSON Pointer. */
function at(value: JsonValue, path: string): unknown {
  let found: unknown = value;
  for (const part of path.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[key] : undefined;
  }
  return found;
}

/**
 * What is wrong with a value that should be of a shape; empty when nothing is. At most 20 issues.
 *
 * @param component name of a schema of the document.
 * @example
 * issuesOf('StopRequest', { reason: 1 })[0]?.path // => '/reason'
 */
export function issuesOf(component: string, value: JsonValue): readonly ProblemIssue[] {
  const validator = validatorOf(component);
  if (validator.Check(value)) return [];
  const [, errors] = validator.Errors(value) as [
    boolean,
    readonly { readonly keyword: string; readonly instancePath: string; readonly message: string }[],
  ];
  const issues: ProblemIssue[] = [];
  for (const { keyword, instancePath: path, message } of errors) {
    // It is told once more for each stranger, with its place.
    if (keyword === 'additionalProperties') continue;
    if (keyword === 'boolean') issues.push({ path, message: 'is not known here' });
    else if (keyword === 'required' || keyword === 'anyOf') issues.push({ path, message });
    else issues.push({ path, message: `${message}, got ${shown(at(value, path))}` });
    if (issues.length === mostIssues) break;
  }
  return issues;
}

const parameterValidators = new Map<Parameter, Validator>();

/** The value of a query parameter, checked; its text, or a number where one is asked for. */
export function readParameter(parameter: Parameter, text: string): string | number | undefined {
  const validator = parameterValidators.get(parameter) ?? Schema.Compile(parameter.schema);
  parameterValidators.set(parameter, validator);
  const { type } = parameter.schema as { readonly type?: unknown };
  const value = type === 'integer' && /^\d{1,9}$/.test(text) ? Number(text) : text;
  return validator.Check(value) ? value : undefined;
}
