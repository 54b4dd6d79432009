export { postgresBarrier, type PostgresBarrierOptions } from './postgres-barrier.ts';
export { postgresBarrierRows, postgresBarrierSchema, purgePostgresBarrier } from './postgres-barrier-rows.ts';
export type { PostgresClient, PostgresPool, PostgresResult } from './postgres-client.ts';
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
  type SqlPool,
} from './postgres-saga-first-store.ts';
