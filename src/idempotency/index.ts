export {
  type Idempotency,
  idempotency,
  idempotencyDefaults,
  type IdempotencyOptions,
  type OnceOptions,
  type OnceRun,
} from './idempotency.ts';
export {
  InProgressError,
  KeyReusedError,
  LeaseLostError,
  ResultUnavailableError,
  StoreFullError,
} from './idempotency-errors.ts';
export type { Claim, ClaimRequest, IdempotencyStore } from './idempotency-store.ts';
export {
  type ClaimTable,
  claimTable,
  claimTableDefaults,
  type ClaimTableOptions,
  type SharedClaimTable,
  sharedClaimTable,
  type SharedClaimTableOptions,
} from './claim-table.ts';
export type { IdempotencyEvent } from './idempotency-events.ts';
export { memoryStore, memoryStoreDefaults, type MemoryStoreOptions } from './memory-store.ts';
