export { CacheContentionError } from './cache-contention-error.ts';
export { journalWarmth } from './journal-warmth.ts';
export { type CommittedEntry, type LoggedSource, openLoggedSource } from './logged-source.ts';
export { type CacheFigures, type CacheView, type DecideOptions, type ReadCache, readCache } from './read-cache.ts';
export { readCacheDefaults, type ReadCacheOptions } from './read-cache.ts';
export type { CommitOutcome, CommitRequest, SourceCall, Versioned, VersionedSource } from './versioned-source.ts';
