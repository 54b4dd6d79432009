import type { Migration } from './migration.ts';

/** What was asked is marked in the transaction that carries it out, so that who comes after its owner only answers. */
export const commandsOnceMigration: Migration = {
  number: 5,
  name: 'commands once',
  oldest: 1,
  sql: () => `
ALTER TABLE command ADD COLUMN done boolean NOT NULL DEFAULT false;
`,
};
