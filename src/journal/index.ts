export {
  type AppendCondition,
  AppendConflictError,
  type Journal,
  JournalClosedError,
  JournalFullError,
  type PlacedRecord,
  type Position,
  type SagaFilter,
  type SagaPage,
  SagaPurgedError,
  type SagaSummary,
  StaleEpochError,
} from './journal.ts';
export type { JournalEvent } from './journal-events.ts';
export { memoryJournal } from './memory-journal.ts';
export { RecordUnreadableError } from './record-codec.ts';
export { OwnerSilentError } from './owner-silent-error.ts';
export { RecordRefusedError } from './record-refused-error.ts';
export { ShardLostError } from './shard-lost-error.ts';
export type { SharedJournal, ShardJournal, ShardOwner } from './shared-journal.ts';
export type { Damage, UnreadableSaga } from './unreadable-saga.ts';
export { openWalJournal } from './wal-journal.ts';
export { walJournalDefaults, type WalJournalOptions } from './wal-journal-options.ts';
