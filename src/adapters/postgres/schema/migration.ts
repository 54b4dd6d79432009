/** What the text of a migration depends on. */
export interface MigrationFacts {
  /** How many shards a new journal is divided into. */
  readonly shards: number;
}

/** One numbered step of the schema, forward only. Its text never changes once it is released. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** The lowest schema number whose nodes still work on this one, for as long as an upgrade rolls. */
  readonly oldest: number;
  readonly sql: (facts: MigrationFacts) => string;
}
