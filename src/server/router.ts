import type { JsonValue } from '../saga/json-value.ts';
import { readParameter } from '../wire/check-shape.ts';
import { type Operation, type OperationId, operations, type Parameter } from '../wire/operations.ts';
import { ProblemError } from '../wire/problem.ts';

/** What was found for a request: the operation, and what the path says. */
export interface Match {
  readonly id: OperationId;
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string>>;
}

interface Candidate {
  readonly id: OperationId;
  readonly operation: Operation;
  readonly parts: readonly string[];
}

const candidates: readonly Candidate[] = Object.entries<Operation>(operations).map(([id, operation]) => ({
  id: id as OperationId,
  operation,
  parts: operation.path.split('/'),
}));

// The longest table to look through is that of the paths with as many parts as the one that is asked for.
const byLength = Map.groupBy(candidates, ({ parts }) => parts.length);

/** What the path says, where it is of this shape. */
function paramsOf(parts: readonly string[], asked: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [place, part] of parts.entries()) {
    const given = asked[place] as string;
    if (part.startsWith('{')) params[part.slice(1, -1)] = given;
    else if (part !== given) return undefined;
  }
  return params;
}

/**
 * Finds the operation that a request asks for.
 *
 * @throws {ProblemError} `no-such-path`, `method-not-allowed`, or `invalid` for a name in the path that is none.
 */
export function findOperation(method: string, path: string): Match {
  const asked = path.split('/');
  const allowed: string[] = [];
  for (const { id, operation, parts } of byLength.get(asked.length) ?? []) {
    const params = paramsOf(parts, asked);
    if (params === undefined) continue;
    if (operation.method === method || (method === 'HEAD' && operation.method === 'GET')) {
      return { id, operation, params: namesIn(params) };
    }
    allowed.push(operation.method);
  }
  if (allowed.length === 0) throw new ProblemError('no-such-path', 'there is nothing at this path');
  const allow = [...new Set(allowed.flatMap((own) => (own === 'GET' ? ['GET', 'HEAD'] : [own])))].join(', ');
  throw new ProblemError('method-not-allowed', `the path takes ${allow}`, { headers: { allow } });
}

const namePattern = /^(?!\.{1,2}$)[A-Za-z0-9_.~:@-]{1,200}$/;

function namesIn(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(params).map(([name, text]) => [name, nameIn(name, text)]));
}

function nameIn(name: string, text: string): string {
  const decoded = unescaped(text);
  if (decoded !== undefined && namePattern.test(decoded)) return decoded;
  const wanted = '1 to 200 of A-Z a-z 0-9 _ . ~ : @ -, and not "." or ".."';
  throw new ProblemError('invalid', `Expected ${name} in the path to be ${wanted}`);
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The parameters of a query, checked. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/**
 * Reads the query of a request: each parameter is one of the operation's, and given once.
 *
 * @throws {ProblemError} `bad-query`.
 */
export function readQuery({ parameters = {} }: Operation, search: URLSearchParams): Query {
  const query: Record<string, string | number> = Object.create(null) as Record<string, string | number>;
  for (const [name, text] of search) {
    const parameter = Object.hasOwn(parameters, name) ? (parameters[name] as Parameter) : undefined;
    if (parameter?.in !== 'query') throw badQuery(name, `is no parameter here`);
    if (name in query) throw badQuery(name, 'is given twice');
    const value = readParameter(parameter, text);
    if (value === undefined)
      throw badQuery(name, `must be ${wantedOf(parameter)}, got ${JSON.stringify(text.slice(0, 80))}`);
    query[name] = value;
  }
  return query;
}

function wantedOf({ schema, description }: Parameter): string {
  const { enum: words, type, minimum, maximum, format } = schema as Record<string, JsonValue>;
  if (Array.isArray(words)) return `one of ${words.join(', ')}`;
  if (type === 'integer') return `an integer from ${JSON.stringify(minimum)} to ${JSON.stringify(maximum)}`;
  return format === 'date-time' ? 'a time such as 2026-11-24T09:00:00Z' : description;
}

function badQuery(name: string, why: string): ProblemError {
  return new ProblemError('bad-query', `query parameter ${JSON.stringify(name.slice(0, 80))} ${why}`);
}
