import type { TSchema } from 'typebox';
import { type Operation, operations, type Parameter, payloadShape } from './operations.ts';
import { problemCodes, problemType } from './problem.ts';
import { requestShapes } from './request-shapes.ts';
import { name } from './shape.ts';
import { viewShapes } from './view-shapes.ts';

/** Every schema of the protocol, by its name in the document. */
export const components: Readonly<Record<string, TSchema>> = { ...viewShapes, ...requestShapes, Payload: payloadShape };

type Json = Readonly<Record<string, unknown>>;

const schemaOf = (component: string): Json => ({ $ref: `#/components/schemas/${component}` });

function contentOf(type: string, component: string | undefined): Json {
  if (component === undefined) return type === 'application/json' ? {} : { content: { [type]: {} } };
  return { content: { [type]: { schema: schemaOf(component) } } };
}

/** The names in the braces of a path. */
function pathNames(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, found]) => found as string);
}

function named(own: string, { in: place, schema, description }: Parameter): Json {
  return { name: own, in: place, schema, description };
}

function parametersOf({ path, parameters = {} }: Operation): readonly Json[] {
  const inPath = pathNames(path).map((own) => ({ name: own, in: 'path', required: true, schema: name }));
  const others = Object.entries<Parameter>(parameters).map(([own, parameter]) => named(own, parameter));
  return [...inPath, ...others];
}

/** Statuses of the problems that an operation may answer with. */
function refusalsOf({ right, body, parameters, refusals = [] }: Operation): readonly number[] {
  const always = right === undefined ? [421] : [401, 403, 421];
  const ofBody = body === undefined ? [] : [400, 413, 415, 422];
  return [...new Set([...always, ...ofBody, ...(parameters === undefined ? [] : [400]), ...refusals, 500])].toSorted(
    (left, right_) => left - right_,
  );
}

function titlesOf(status: number): string {
  const titles = Object.values(problemCodes).flatMap(([own, title]) => (own === status ? [title] : []));
  return `${titles.join('. ')}.`;
}

function responsesOf(operation: Operation): Json {
  const good = Object.entries(operation.answers).map(([status, { means, body, type = 'application/json' }]) => [
    status,
    { description: means, ...contentOf(type, body) },
  ]);
  const bad = refusalsOf(operation).map((status) => [
    String(status),
    { description: titlesOf(status), ...contentOf(problemType, 'Problem') },
  ]);
  return Object.fromEntries([...good, ...bad]) as Json;
}

function operationOf(operationId: string, operation: Operation): Json {
  const { summary, right, body } = operation;
  const parameters = parametersOf(operation);
  return {
    operationId,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: body === 'StartRequest', ...contentOf('application/json', body) } }),
    responses: responsesOf(operation),
    ...(right === undefined ? {} : { security: [{ bearer: [] }, {}], 'x-right': right }),
  };
}

/**
 * The protocol as an OpenAPI 3.1 document, made of what the server itself checks requests with.
 *
 * @param version of the package.
 * @example
 * openApi('1.0.0').openapi // => '3.1.0'
 */
export function openApi(version: string): Json & { readonly openapi: string } {
  const documented: Record<string, Record<string, Json>> = {};
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    documented[operation.path] ??= {};
    (documented[operation.path] as Record<string, Json>)[operation.method.toLowerCase()] = operationOf(id, operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'makegood',
      version,
      description: 'Sagas that complete, or are made good. Errors are problems (RFC 9457) with a stable `code`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: documented,
    components: { schemas: components, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}
