import { type TOptional, type TSchema, Type } from 'typebox';

/**
 * A field for each property of the interface that the schema describes: required where it is, optional where it may be
 * absent. So an interface and its schema cannot come to differ in their names.
 */
type FieldsOf<Shape> = {
  readonly [Key in keyof Shape]-?: object extends Pick<Shape, Key> ? TOptional : TSchema;
};

/** The schema of an object that has these properties and no others. */
export function objectOf<Shape>(fields: FieldsOf<Shape>, description?: string): TSchema {
  return Type.Object(fields, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
}

const refPrefix = '#/components/schemas/';

/** A reference to a schema by its name in the document. */
export function refTo(name: string): TSchema {
  return Type.Ref(`${refPrefix}${name}`);
}

/** A list of things. */
export function listOf(
  items: TSchema,
  bounds: { readonly minItems?: number; readonly maxItems?: number } = {},
): TSchema {
  return Type.Array(items, bounds);
}

/** A property that may be absent. */
export function optional(schema: TSchema): TOptional {
  return Type.Optional(schema);
}

/** One of some words. */
export function oneOf(...words: readonly string[]): TSchema {
  return Type.Unsafe({ type: 'string', enum: words });
}

export const text: TSchema = Type.String();
export const truth: TSchema = Type.Boolean();
/** Anything that JSON carries. */
export const anything: TSchema = Type.Unsafe({});
export const count: TSchema = Type.Integer({ minimum: 0 });
export const time: TSchema = Type.String({ format: 'date-time' });

/** A time span: milliseconds, or text with a unit. */
export const duration: TSchema = Type.Unsafe({
  type: ['number', 'string'],
  minimum: 0,
  pattern: '^\\d{1,15}(\\.\\d{1,9})?(ms|s|m|h|d)$',
  description: 'Milliseconds, or a number with a unit: "200ms", "2s", "5m", "1h", "1d".',
});

/** An id, or a name of a saga or step. */
export const name: TSchema = Type.String({
  pattern: '^(?!\\.{1,2}$)[A-Za-z0-9_.~:@-]{1,200}$',
  description: '1 to 200 of A-Z a-z 0-9 _ . ~ : @ -, and not "." or "..".',
});

/** Headers as an object of texts. */
export const headers: TSchema = Type.Unsafe({ type: 'object', additionalProperties: { type: 'string' } });

/** The schema with every reference replaced by what it refers to: for validators, which read one schema. */
export function inlined(schema: unknown, components: Readonly<Record<string, TSchema>>): unknown {
  if (Array.isArray(schema)) return schema.map((item) => inlined(item, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref } = schema as { readonly $ref?: unknown };
  if (typeof $ref === 'string') return inlined(components[$ref.slice(refPrefix.length)], components);
  return Object.fromEntries(Object.entries(schema).map(([key, item]) => [key, inlined(item, components)]));
}
