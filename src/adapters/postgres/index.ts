export { postgresBarrier, type PostgresBarrierOptions } from './postgres-barrier.ts';
export { postgresBarrierRows, postgresBarrierSchema, purgePostgresBarrier } from './postgres-barrier-rows.ts';
export type { PooledConnection, PostgresClient, PostgresPool, PostgresResult } from './postgres-client.ts';
export {
  type PostgresStore,
  postgresStore,
  type PostgresStoreOptions,
  postgresStoreSchema,
} from './postgres-idempotency-store.ts';
export {
  NotDurableError,
  openPostgresSagaFirstStore,
  type PostgresSagaFirstStoreOptions,
} from './postgres-saga-first-store.ts';
export { JournalHeldError } from './journal/journal-held-error.ts';
export { openPostgresJournal } from './journal/open-postgres-journal.ts';
export { postgresJournalDefaults, type PostgresJournalOptions } from './journal/postgres-journal-options.ts';
export { PostgresSilentError } from './journal/statement-line.ts';
export { migrateDefaults, type MigrateOptions, migratePostgres } from './schema/migrate.ts';
export { SchemaMismatchError } from './schema/schema-mismatch-error.ts';
export { postgresLedgerSchema } from './ledger/ledger-schema.ts';
export { postgresLedger, type PostgresLedger, type PostgresLedgerOptions } from './ledger/postgres-ledger.ts';
export { purgePostgresLedger } from './ledger/postgres-ledger.ts';
export { postgresBrokerSchema } from './broker/broker-schema.ts';
export { postgresBroker, type PostgresBrokerOptions, purgePostgresBroker } from './broker/postgres-broker.ts';
