export { type WalStore, walStore, walStoreDefaults, type WalStoreOptions } from './wal-store.ts';
