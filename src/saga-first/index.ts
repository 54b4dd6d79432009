export type { Compensation, CompensationCall, Compensations, ProbeAnswer, ProbeCall } from './compensation.ts';
export { type Compensator, compensatorDefaults, type CompensatorOptions, openCompensator } from './compensator.ts';
export { type SagaFirstAttention, SagaFirstNotWaitingError } from './human-queue.ts';
export { memorySagaFirstStore } from './memory-saga-first-store.ts';
export { SagaFirstUnconfirmedError } from './log-saga-first-store.ts';
export type { OperationCall } from './operation.ts';
export {
  type CompensationRef,
  type SagaFirst,
  sagaFirst,
  type SagaFirstOptions,
  type SagaFirstRunOptions,
} from './saga-first.ts';
export { SagaFirstNeedsHumanError, SagaFirstUndoneError } from './saga-first-errors.ts';
export type { SagaFirstEvent } from './saga-first-events.ts';
export {
  SagaFirstConflictError,
  type SagaFirstFilter,
  type SagaFirstPage,
  sagaFirstRetention,
  type SagaFirstSnapshot,
  type SagaFirstStore,
  SagaFirstStoreClosedError,
  type SagaFirstWrite,
} from './saga-first-store.ts';
export {
  openWalSagaFirstStore,
  SagaFirstUnreadableError,
  type WalSagaFirstStoreOptions,
} from './wal-saga-first-store.ts';
export type { CompensationRegistration, TriggerReason } from '../saga/saga-first/saga-first-record.ts';
export type { SagaFirstDraft, SagaFirstRecord, SagaFirstRecordData } from '../saga/saga-first/saga-first-record.ts';
export type { SagaFirstState, SagaFirstStatus } from '../saga/saga-first/saga-first-state.ts';
export { UnsafeLogError } from './unsafe-log-error.ts';
