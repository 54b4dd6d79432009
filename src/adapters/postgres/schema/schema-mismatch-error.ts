import { MakegoodError } from '../../../errors.ts';

/** Thrown when the schema of a PostgreSQL journal is not one that this version works with. */
export class SchemaMismatchError extends MakegoodError {
  readonly schema: string;

  constructor(schema: string, why: string) {
    super('MAKEGOOD_SCHEMA_MISMATCH', `schema "${schema}" cannot be used: ${why}`);
    this.schema = schema;
  }
}
