export { walEntryLog, type WalEntryLogOptions } from './wal-entry-log.ts';
export type { WalStoreEvent } from './wal-store-events.ts';
export { type WalStore, walStore, walStoreDefaults, type WalStoreOptions } from './wal-store.ts';
