export { openWal, type Wal, type WalFlushOptions, type WalOptions, walDefaults } from './wal.ts';
export {
  WalClosedError,
  WalCorruptError,
  type WalDamage,
  WalFailedError,
  WalOverloadedError,
  WalReadError,
} from './wal-errors.ts';
export type { Lsn, WalEntry, WalRecord } from './wal-record.ts';
export type { WalRecovery, WalTornTail } from './wal-recovery.ts';
