export type { WalWaiter } from './batch.ts';
export type { Wal } from './segmented-wal.ts';
export { openWal } from './wal.ts';
export type { WalCheckpoint, WalPoint } from './wal-checkpoint.ts';
export {
  WalClosedError,
  WalCorruptError,
  type WalDamage,
  WalFailedError,
  WalOverloadedError,
  WalReadError,
} from './wal-errors.ts';
export type { WalEvent } from './wal-events.ts';
export { walDefaults, type WalFlushOptions, type WalOptions } from './wal-options.ts';
export type { Lsn, WalEntry, WalRecord, WalRecordBytes, WalStretch } from './wal-record.ts';
export type { WalRecovery, WalTornTail } from './wal-recovery.ts';
